//! Keeps a zone's connection up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use lapin::uri::AMQPUri;
use registrar::Registrar;
use tokio_util::sync::CancellationToken;

use crate::{
    consumer::{Ended, consume},
    link::Link,
    rate_limit::RateLimit,
    session::Session,
    settings::{Settings, redacted},
};

/// A connection that lasted this long was a good one: the next attempt comes without delay.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// How long a polite goodbye to the broker may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// How often failing attempts are logged.
const LOG_PERIOD: Duration = Duration::from_secs(30);

/// What a zone's supervisor works with.
pub(crate) struct Supervisor {
    /// At least one.
    pub(crate) uris: Vec<AMQPUri>,
    pub(crate) queue: String,
    pub(crate) settings: Settings,
    pub(crate) link: Arc<Link>,
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) stop: CancellationToken,
}

impl Supervisor {
    /// Connects, consumes, and does so again, until told to stop.
    pub(crate) async fn run(self) {
        let mut log = RateLimit::new(LOG_PERIOD);
        let mut backoff = self.backoff();
        let mut failures: u64 = 0;
        // Never runs dry: there is at least one.
        for uri in self.uris.iter().cycle() {
            let begun = Instant::now();
            let opened = self.stop.run_until_cancelled(Session::open(
                uri.clone(),
                &self.queue,
                &self.settings,
            ));
            let reason = match opened.await {
                None => return,
                Some(Err(reason)) => reason,
                Some(Ok(session)) => {
                    tracing::info!(zone = %self.link.zone, broker = redacted(uri), queue = self.queue, failures, "consuming");
                    failures = 0;
                    match self.consume(session).await {
                        Ended::Stopped => return,
                        Ended::Failed(reason) => reason,
                    }
                }
            };
            self.link.down(&reason);
            failures += 1;
            if begun.elapsed() > GOOD_FOR {
                backoff = self.backoff();
            }
            if let Some(held_back) = log.admit("down", Instant::now()) {
                tracing::warn!(
                    zone = %self.link.zone, broker = redacted(uri), error = reason, failures, held_back,
                    "not connected to RabbitMQ, trying again"
                );
            }
            let delay = backoff.next().unwrap_or(self.settings.reconnect_max);
            if self
                .stop
                .run_until_cancelled(tokio::time::sleep(delay))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    async fn consume(&self, mut session: Session) -> Ended {
        self.link.up(session.publisher.clone());
        let zone = &self.link.zone;
        let ended = consume(
            &mut session,
            zone,
            &self.registrar,
            self.settings.prefetch,
            &self.stop,
        )
        .await;
        if matches!(ended, Ended::Stopped) {
            self.link.down("stopping");
        }
        session.close(CLOSE_LIMIT).await;
        ended
    }

    /// Jittered, so that a broker that comes back is not met by all its clients at once.
    fn backoff(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(self.settings.reconnect_min)
            .with_max_delay(self.settings.reconnect_max)
            .with_jitter()
            .without_max_times()
            .build()
    }
}
