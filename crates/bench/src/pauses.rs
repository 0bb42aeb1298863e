//! How long a reader waits at the longest, while something else goes on.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::process::waited_for_processor;

/// A read that took longer is looked into: whether it was the scheduler.
const SLOW: Duration = Duration::from_micros(500);
/// How often it is asked how long the thread has waited for a processor so far.
const ASKING: u64 = 32;

/// What a reader has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pauses {
    /// The longest read, in milliseconds.
    pub longest: f64,
    /// The longest without the time that the thread waited for a processor.
    pub longest_running: f64,
    /// Reads.
    pub reads: u64,
}

/// Reads until `stop`.
pub fn read_until(stop: &AtomicBool, mut read: impl FnMut()) -> Pauses {
    let mut seen = Pauses::default();
    let mut waited = waited_for_processor();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        read();
        let took = begun.elapsed();
        seen.reads += 1;
        let mut running = took;
        if took > SLOW {
            let so_far = waited_for_processor();
            running = took.saturating_sub(Duration::from_nanos(so_far - waited));
            waited = so_far;
        } else if seen.reads.is_multiple_of(ASKING) {
            waited = waited_for_processor();
        }
        seen.longest = seen.longest.max(took.as_secs_f64() * 1000.0);
        seen.longest_running = seen.longest_running.max(running.as_secs_f64() * 1000.0);
    }
    seen
}

/// Has a reader read while `work` is done; what the reader has seen, and what `work` returned.
pub fn while_reading<T>(read: impl FnMut() + Send, work: impl FnOnce() -> T) -> (Pauses, T) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_until(&stop, read));
        let done = work();
        stop.store(true, Ordering::Relaxed);
        (reading.join().unwrap_or_default(), done)
    })
}

/// Numbers in an order that is none, for readers.
#[derive(Debug, Default)]
pub struct Wander(AtomicU64);

impl Wander {
    /// The next one below `end`.
    pub fn next(&self, end: u32) -> u32 {
        let step = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed) >> 33;
        (step % u64::from(end.max(1))) as u32
    }
}
