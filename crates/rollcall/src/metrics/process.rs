//! The process, by the names that Prometheus' own libraries give these.

use std::fmt;

use procfs::process::Process as Proc;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};
use registration::Clock;

use super::{gauge, signed};

/// Reads `/proc/self`.
#[derive(Debug)]
pub(super) struct Process {
    started: u64,
}

impl Process {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        Self {
            started: clock.now().seconds().0,
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        gauge(
            encoder,
            "process_start_time_seconds",
            "When the process began",
            signed(self.started),
        )?;
        let Ok(process) = Proc::myself() else {
            // Where there is no /proc there is nothing to tell.
            return Ok(());
        };
        if let Ok(memory) = process.statm() {
            let bytes = memory.resident.saturating_mul(procfs::page_size());
            gauge(
                encoder,
                "process_resident_memory_bytes",
                "Memory that is held",
                signed(bytes),
            )?;
        }
        if let Ok(open) = process.fd_count() {
            gauge(
                encoder,
                "process_open_fds",
                "Files and connections that are open",
                signed(open),
            )?;
        }
        if let Ok(stat) = process.stat() {
            let ticks = stat.utime.saturating_add(stat.stime);
            let counter = ConstCounter::new(seconds(ticks));
            let help = "Time on processors";
            let kind = MetricType::Counter;
            let descriptor = encoder.encode_descriptor("process_cpu_seconds", help, None, kind)?;
            counter.encode(descriptor)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ticks are a million years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / procfs::ticks_per_second() as f64
}
