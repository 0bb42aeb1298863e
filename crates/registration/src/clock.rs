//! Where "now" comes from.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::UnixMillis;

/// A source of the present time. Handed down, never global, so that tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> UnixMillis;
}

/// The machine's clock, as of its last tick (Linux: at most 10 ms ago, mostly 4): registrations end by
/// the second, and to ask for the moment takes several times longer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let millis = since_1970().map_or(0, |since| since.as_millis());
        UnixMillis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// `None` before 1970.
#[cfg(target_os = "linux")]
fn since_1970() -> Option<Duration> {
    use nix::time::{ClockId, clock_gettime};

    let since = clock_gettime(ClockId::CLOCK_REALTIME_COARSE).ok()?;
    let (seconds, nanos) = (since.tv_sec().try_into(), since.tv_nsec().try_into());
    Some(Duration::new(seconds.ok()?, nanos.ok()?))
}

#[cfg(not(target_os = "linux"))]
fn since_1970() -> Option<Duration> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may ask the system"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).ok()
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: UnixMillis) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// Moves the clock on.
    pub fn advance_millis(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what it is compared with")]
    fn the_system_clock_tells_the_time() {
        let millis = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            u64::try_from(since.unwrap().as_millis()).unwrap()
        };
        let (before, now, after) = (millis(), SystemClock.now().0, millis());
        assert!(
            (before - 10..=after).contains(&now),
            "{before} {now} {after}"
        );
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(UnixMillis(5));
        assert_eq!(clock.now(), UnixMillis(5));
        clock.advance_millis(10);
        assert_eq!(clock.now(), UnixMillis(15));
    }
}
