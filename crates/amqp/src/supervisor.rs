//! Keeps a zone's connection up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lapin::uri::AMQPUri;
use registrar::{LinkState, Registrar};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::backoff,
    consumer::{Ended, consume},
    depth,
    dial::Dialer,
    leader::seek,
    link::Link,
    rate_limit::RateLimit,
    session::Session,
    settings::{Access, Settings, redacted},
};

/// A session that lasted this long was a good one: the next attempt comes soon.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// How long the last acknowledgements may take to be written; the broker does not read while it is
/// short of memory or disk.
const LAST_ACKS: Duration = Duration::from_secs(2);
/// How often failing attempts are logged.
const LOG_PERIOD: Duration = Duration::from_secs(30);

/// What a zone's supervisor works with.
pub(crate) struct Supervisor {
    /// At least one.
    pub(crate) uris: Vec<AMQPUri>,
    pub(crate) access: Access,
    pub(crate) queue: String,
    pub(crate) settings: Settings,
    pub(crate) link: Arc<Link>,
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) stop: CancellationToken,
}

impl Supervisor {
    /// Connects, consumes, and does so again, until told to stop.
    pub(crate) async fn run(self) {
        self.registrar.link(&self.link.zone, LinkState::Connecting);
        let mut log = RateLimit::new(LOG_PERIOD);
        let mut delays = self.delays();
        let mut failures: u64 = 0;
        // Never runs dry: there is at least one.
        for uri in self.uris.iter().cycle() {
            let dialer = Dialer {
                uri: uri.clone(),
                access: self.access.clone(),
                node: self.settings.node.clone(),
                limit: self.settings.connect_timeout,
            };
            let opening = Session::open(
                Arc::new(dialer),
                &self.queue,
                &self.registrar,
                &self.settings,
            );
            let reason = match self.stop.run_until_cancelled(opening).await {
                None => break,
                Some(Err(reason)) => reason,
                Some(Ok(session)) => {
                    tracing::info!(zone = %self.link.zone, broker = redacted(uri), queue = self.queue, failures, "consuming");
                    // The next failure is news again.
                    log = RateLimit::new(LOG_PERIOD);
                    failures = 0;
                    let since = Instant::now();
                    match self.consume(session).await {
                        Ended::Stopped => break,
                        Ended::Failed(reason) => {
                            if since.elapsed() > GOOD_FOR {
                                delays = self.delays();
                            }
                            reason
                        }
                    }
                }
            };
            self.down(&reason);
            failures += 1;
            if log.admit("down", Instant::now()).is_some() {
                tracing::warn!(
                    zone = %self.link.zone, broker = redacted(uri), error = reason, failures,
                    "not connected to RabbitMQ, trying again"
                );
            }
            let delay = delays.next().unwrap_or(self.settings.reconnect_max);
            let waiting = tokio::time::sleep(delay);
            if self.stop.run_until_cancelled(waiting).await.is_none() {
                break;
            }
        }
        self.down("stopping");
    }

    fn down(&self, reason: &str) {
        self.link.down(reason);
        let state = LinkState::Down {
            reason: reason.to_owned(),
        };
        self.registrar.link(&self.link.zone, state);
    }

    async fn consume(&self, mut session: Session) -> Ended {
        self.link.up(session.publisher.clone());
        self.registrar.link(&self.link.zone, LinkState::Consuming);
        let consuming = consume(
            &mut session.consumer,
            &self.link.zone,
            &self.registrar,
            &session.pulse,
            self.settings.prefetch,
            &self.stop,
        );
        let too_late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_ACKS).await;
        };
        let zone = &self.link.zone;
        let ended = tokio::select! {
            ended = consuming => ended,
            reason = session.inbox.serve(zone, &self.registrar) => Ended::Failed(reason),
            reason = session.pulse.beat(&session.publisher, self.settings.publish_timeout) => {
                Ended::Failed(reason)
            }
            never = seek(&session.connection, &self.link), if self.settings.elect_notifier => {
                match never {}
            }
            never = depth::watch(&session.connection, &self.queue, &self.link) => match never {},
            () = too_late => Ended::Stopped,
        };
        // Before the goodbye, which may take a while: what is published now would be lost.
        self.down(match &ended {
            Ended::Stopped => "stopping",
            Ended::Failed(reason) => reason,
        });
        session.close().await;
        ended
    }

    fn delays(&self) -> impl Iterator<Item = Duration> + use<> {
        backoff(self.settings.reconnect_min, self.settings.reconnect_max)
    }
}
