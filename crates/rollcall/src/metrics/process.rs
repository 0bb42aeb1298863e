//! The process, by the names that Prometheus' own libraries give these.

use std::fmt;

use procfs::process::Process as Proc;
use prometheus_client::{
    collector::Collector, encoding::DescriptorEncoder, metrics::counter::ConstCounter,
};

use super::encode::Encoder;

/// Reads `/proc/self`.
#[derive(Debug)]
pub(super) struct Process {
    /// When the process began, in Unix seconds.
    pub(super) started: u64,
}

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Encoder(encoder);
        out.gauge(
            "process_start_time_seconds",
            "When the process began",
            self.started,
        )?;
        let Ok(process) = Proc::myself() else {
            // Where there is no /proc there is nothing to tell.
            return Ok(());
        };
        if let Ok(memory) = process.statm() {
            let bytes = memory.resident.saturating_mul(procfs::page_size());
            out.gauge(
                "process_resident_memory_bytes",
                "Memory that is held",
                bytes,
            )?;
        }
        if let Ok(open) = process.fd_count() {
            out.gauge(
                "process_open_fds",
                "Files and connections that are open",
                open,
            )?;
        }
        if let Ok(stat) = process.stat() {
            let spent = seconds(stat.utime.saturating_add(stat.stime));
            out.one(
                "process_cpu_seconds",
                "Time on processors",
                &ConstCounter::new(spent),
            )?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ticks are a million years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / procfs::ticks_per_second() as f64
}
