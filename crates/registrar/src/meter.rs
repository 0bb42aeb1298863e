//! What is measured beside the counts of outcomes: how long applying takes, how late events come,
//! what became of flushes. Plain atomics, read when somebody asks for the metrics.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::flush::{FlushError, Flushed};

/// One message in so many is measured, the first of each thread among them: two looks at the clock
/// for each would cost as much as the rest.
const SAMPLED: u32 = 64;

thread_local! {
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// Bounds of [`Meter::apply`], in microseconds.
const APPLY_MICROS: [u64; 12] = [
    1, 2, 5, 10, 25, 50, 100, 250, 1_000, 10_000, 100_000, 1_000_000,
];
/// Bounds of [`Meter::lag`], in microseconds. Events tell their time in whole seconds.
const LAG_MICROS: [u64; 9] = [
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    1_800_000_000,
    3_600_000_000,
];

/// What became of an order to flush.
const FLUSHES: [&str; 5] = ["done", "partial", "unreachable", "not_registered", "unsafe"];

/// How often durations were up to each bound, and how much they were in all.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds: [u64; N],
    counts: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    fn new(bounds: [u64; N]) -> Self {
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; N],
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn observe(&self, micros: u64) {
        let bounds = self.bounds.iter().zip(&self.counts);
        let fitting = bounds
            .filter(|(bound, _)| micros <= **bound)
            .map(|(_, slot)| slot);
        let slot = fitting.min_by_key(|_| 0).unwrap_or(&self.beyond);
        slot.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// Each upper bound in seconds, the last of them infinite, with how many were up to it and
    /// beyond the bound before.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().map(|bound| seconds(*bound));
        let counts = self.counts.iter().chain([&self.beyond]);
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        bounds.chain([f64::INFINITY]).zip(counts).collect()
    }

    /// All of them together, in seconds.
    pub fn sum(&self) -> f64 {
        seconds(self.sum.load(Ordering::Relaxed))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "2^53 microseconds are 285 years"
)]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// The measurements.
#[derive(Debug)]
pub struct Meter {
    apply: Histogram<{ APPLY_MICROS.len() }>,
    lag: Histogram<{ LAG_MICROS.len() }>,
    flushes: [AtomicU64; FLUSHES.len()],
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            apply: Histogram::new(APPLY_MICROS),
            lag: Histogram::new(LAG_MICROS),
            flushes: [const { AtomicU64::new(0) }; FLUSHES.len()],
        }
    }
}

impl Meter {
    /// The time at which a message is begun with, if this one is to be measured.
    pub(crate) fn begin() -> Option<Instant> {
        let turn = TURN.get();
        TURN.set(turn.wrapping_add(1));
        turn.is_multiple_of(SAMPLED).then(Instant::now)
    }

    /// A message that was measured has been applied.
    pub(crate) fn applied(&self, begun: Instant) {
        self.apply.observe(micros(begun.elapsed()));
    }

    /// An event came so many milliseconds after it happened.
    pub(crate) fn heard_after(&self, millis: u64) {
        self.lag.observe(millis.saturating_mul(1000));
    }

    /// Notes what became of an order to flush, and hands it on.
    pub(crate) fn ordered(
        &self,
        order: Result<Flushed, FlushError>,
    ) -> Result<Flushed, FlushError> {
        let outcome = match &order {
            Ok(flushed) if flushed.missing.is_empty() => "done",
            Ok(_) => "partial",
            Err(FlushError::Unreachable { .. }) => "unreachable",
            Err(FlushError::NotRegistered(_)) => "not_registered",
            Err(FlushError::Unsafe { .. }) => "unsafe",
        };
        let slots = FLUSHES.iter().zip(&self.flushes);
        for (_, slot) in slots.filter(|(name, _)| **name == outcome) {
            slot.fetch_add(1, Ordering::Relaxed);
        }
        order
    }

    /// How long it took to decode and apply a message; a sample of all messages.
    pub fn apply(&self) -> &Histogram<{ APPLY_MICROS.len() }> {
        &self.apply
    }

    /// How long after they happened events came; a sample of all events.
    pub fn lag(&self) -> &Histogram<{ LAG_MICROS.len() }> {
        &self.lag
    }

    /// Orders to flush by what became of them.
    pub fn flushes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let slots = FLUSHES.iter().zip(&self.flushes);
        slots.map(|(name, slot)| (*name, slot.load(Ordering::Relaxed)))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_observed_stands_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new([10, 20]);
        for micros in [0, 10, 11, 20, 21, 1_000_000] {
            histogram.observe(micros);
        }
        assert_eq!(
            histogram.buckets(),
            [(1e-5, 2), (2e-5, 2), (f64::INFINITY, 2)]
        );
        assert!((histogram.sum() - 1.000_062).abs() < 1e-9);
    }

    #[test]
    fn one_in_so_many_is_measured_the_first_among_them() {
        let measured = std::thread::spawn(|| {
            (0..SAMPLED * 3)
                .filter(|_| Meter::begin().is_some())
                .count()
        });
        assert_eq!(measured.join().unwrap(), 3);
    }

    #[test]
    fn flushes_are_counted_by_what_became_of_them() {
        let meter = Meter::default();
        meter.ordered(Ok(Flushed::default())).unwrap();
        let unknown = Err(FlushError::NotRegistered("x".into()));
        meter.ordered(unknown).unwrap_err();
        let counted: Vec<_> = meter.flushes().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("done", 1), ("not_registered", 1)]);
    }
}
