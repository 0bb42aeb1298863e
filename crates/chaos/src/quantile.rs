//! Quantiles of durations.

use std::{fmt, time::Duration};

/// Durations that were measured, all of them kept.
#[derive(Clone, Debug, Default)]
pub struct Durations(Vec<Duration>);

impl Durations {
    /// One more.
    pub fn push(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// All of another's.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The longest of the shortest `thousandths` (nearest rank); zero if there are none.
    pub fn quantile(&self, thousandths: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * thousandths).div_ceil(1000);
        let at = rank.saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.quantile(1000)
    }
}

impl fmt::Display for Durations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |thousandths| self.quantile(thousandths).as_secs_f64() * 1000.0;
        write!(
            f,
            "p50 {:.2} ms, p99 {:.2}, p99.9 {:.2}, max {:.2} ({} measured)",
            ms(500),
            ms(990),
            ms(999),
            ms(1000),
            self.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut durations = Durations::default();
        assert_eq!(durations.max(), Duration::ZERO);
        for ms in (1..=200).rev() {
            durations.push(Duration::from_millis(ms));
        }
        assert_eq!(durations.quantile(500), Duration::from_millis(100));
        assert_eq!(durations.quantile(990), Duration::from_millis(198));
        assert_eq!(durations.max(), Duration::from_millis(200));
    }
}
