//! Attempts to connect to a zone's brokers: which one is next, how long to wait, what to log.

use std::{
    iter::Cycle,
    time::{Duration, Instant},
    vec,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use lapin::uri::AMQPUri;
use registration::Zone;

use crate::{
    error::SessionError,
    log_limit::LogLimit,
    settings::{Settings, redacted},
};

/// After a session that lasted this long, the next attempt comes soon.
const GOOD_SESSION: Duration = Duration::from_secs(10);
/// How often failing attempts are logged.
const LOG_PERIOD: Duration = Duration::from_secs(30);

/// The attempts to connect.
pub(crate) struct Attempts {
    /// The broker of the current attempt or session.
    pub(crate) uri: AMQPUri,
    uris: Cycle<vec::IntoIter<AMQPUri>>,
    /// The shortest and the longest wait.
    bounds: (Duration, Duration),
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    /// When the current session began.
    connected_at: Option<Instant>,
    /// The number of failures since the last session.
    failures: u64,
    log: LogLimit,
}

impl Attempts {
    pub(crate) fn new(uris: Vec<AMQPUri>, settings: &Settings) -> Self {
        let mut uris = uris.into_iter().cycle();
        let bounds = (settings.reconnect_min, settings.reconnect_max);
        Self {
            // There is at least one.
            uri: uris.next().unwrap_or_default(),
            uris,
            bounds,
            delays: Box::new(delays(bounds.0, bounds.1)),
            connected_at: None,
            failures: 0,
            log: LogLimit::new(LOG_PERIOD),
        }
    }

    /// Notes that an attempt succeeded.
    pub(crate) fn succeeded(&mut self, zone: &Zone, queue: &str) {
        let (broker, failures) = (redacted(&self.uri), self.failures);
        tracing::info!(%zone, broker, queue, failures, "consuming");
        self.connected_at = Some(Instant::now());
        self.failures = 0;
        // The next failure is news again.
        self.log = LogLimit::new(LOG_PERIOD);
    }

    /// Notes that an attempt failed, or that a session ended. Returns how long to wait before the
    /// attempt on the next broker.
    pub(crate) fn failed(&mut self, zone: &Zone, error: &SessionError) -> Duration {
        let connected_at = self.connected_at.take();
        if connected_at.is_some_and(|since| since.elapsed() > GOOD_SESSION) {
            self.delays = Box::new(delays(self.bounds.0, self.bounds.1));
        }
        self.failures += 1;
        if self.log.admit("down", Instant::now()).is_some() {
            let (broker, failures) = (redacted(&self.uri), self.failures);
            tracing::warn!(
                %zone, broker, error = error.to_string(), failures,
                "not connected to RabbitMQ, trying again"
            );
        }
        if let Some(next) = self.uris.next() {
            self.uri = next;
        }
        self.delays.next().unwrap_or(self.bounds.1)
    }
}

/// Doubling waits between `min` and `max`. Jittered, so that not all clients of a broker come back at
/// once.
fn delays(min: Duration, max: Duration) -> impl Iterator<Item = Duration> + use<> {
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
        let waits: Vec<_> = delays(200 * MS, 10_000 * MS).take(1_000).collect();
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
        let late: Vec<_> = delays(200 * MS, 10_000 * MS).skip(20).take(20).collect();
        assert!(late.iter().any(|wait| *wait != late[0]));
    }

    #[test]
    fn one_bound_is_bounds_enough() {
        assert!(
            delays(300 * MS, 300 * MS)
                .take(50)
                .all(|wait| wait == 300 * MS)
        );
    }
}
