//! How long to wait before the next attempt.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

/// Doubling waits between `min` and `max`. Jittered, so that a broker that comes back is not met by
/// all its clients at once.
pub(crate) fn backoff(min: Duration, max: Duration) -> impl Iterator<Item = Duration> + use<> {
    ExponentialBuilder::default()
        .with_min_delay(min)
        // The jitter adds up to as much again.
        .with_max_delay((max / 2).max(min))
        .with_jitter()
        .without_max_times()
        .build()
        .map(move |delay| delay.min(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn grows_within_its_bounds_without_end() {
        let waits: Vec<_> = backoff(200 * MS, 10_000 * MS).take(1_000).collect();
        assert_eq!(waits.len(), 1_000);
        assert!(
            waits
                .iter()
                .all(|wait| (200 * MS..=10_000 * MS).contains(wait))
        );
        assert!((200 * MS..400 * MS).contains(&waits[0]));
        assert!(waits[10..].iter().all(|wait| *wait >= 5_000 * MS));
    }

    #[test]
    fn is_jittered_even_at_its_longest() {
        let late: Vec<_> = backoff(200 * MS, 10_000 * MS).skip(20).take(20).collect();
        assert!(late.iter().any(|wait| *wait != late[0]));
    }

    #[test]
    fn one_bound_is_bounds_enough() {
        assert!(
            backoff(300 * MS, 300 * MS)
                .take(50)
                .all(|wait| wait == 300 * MS)
        );
    }
}
