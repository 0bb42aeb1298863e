//! Synchronises zones: each one whose connection comes up, since what happened meanwhile was missed,
//! and all of them by an operator's order.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use kapi::{REGISTRAR_EXCHANGE, SYNC_KEY, encode_sync};
use registration::Zone;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{peers, replay::QUIET};
use crate::{
    context::Context,
    health::{LinkState, SyncState},
    metrics::{MERGED, STORED_NEW},
};

/// The least time from one synchronisation of a zone to the next, should its link come and go.
const APART: Duration = Duration::from_secs(15);
/// How long others have to answer to an operator's order.
const LIMIT: Duration = Duration::from_secs(30);

/// How zones are synchronised.
#[derive(Clone, Copy, Debug)]
pub struct RecoverySettings {
    /// Ask the proxies to replay what they hold.
    pub sync: bool,
    /// Ask other registrars for what they have.
    pub peers: bool,
    /// A zone counts as warm after this long, even if answers are missing.
    pub limit: Duration,
}

/// What a resync came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// The zones that were asked, each with how many other registrars answered.
    pub zones: Vec<(Zone, usize)>,
    /// Registrations of which they had newer ones.
    pub from_peers: u64,
    /// Bindings that proxies replayed.
    pub replayed: u64,
    /// Registrations that were missing, and came meanwhile by events and replays.
    pub new: u64,
}

/// Why there was no resync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// One is running.
    #[error("proxies and other registrars are being asked already")]
    Running,
    /// No zone's broker is connected.
    #[error("no zone is connected to its broker")]
    NoZone,
}

/// Synchronises zones.
pub(crate) struct Synchroniser {
    context: Arc<Context>,
    /// Locked while an operator's order is carried out.
    resyncing: Mutex<()>,
}

impl Synchroniser {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            resyncing: Mutex::default(),
        }
    }

    /// Synchronises each zone that comes up. Never ends.
    pub(crate) async fn run(self: &Arc<Self>, settings: RecoverySettings) {
        let mut asked: HashMap<Zone, Instant> = HashMap::new();
        loop {
            let (zone, epoch) = self.context.health.next_cold().await;
            // Marked at once, or it would be found cold again.
            self.waits(&zone, epoch, "the link to be steady");
            let now = Instant::now();
            let not_before = match asked.get(&zone) {
                // An earlier link of the zone still waits for its turn: this one takes it.
                Some(next) if *next > now => *next,
                Some(last) => now.max(*last + APART),
                None => now,
            };
            asked.insert(zone.clone(), not_before);
            let recovery = Arc::clone(self);
            tokio::spawn(async move {
                sleep_until(not_before).await;
                recovery.synchronise(zone, epoch, settings).await;
            });
        }
    }

    /// Notes what a zone waits for. False if its link has been replaced.
    fn waits(&self, zone: &Zone, epoch: u64, waits_for: &'static str) -> bool {
        let state = SyncState::Warming { waits_for };
        self.context.health.set_sync_state(zone, epoch, state)
    }

    async fn synchronise(&self, zone: Zone, epoch: u64, settings: RecoverySettings) {
        if !self.waits(&zone, epoch, "others to be asked") {
            // The next link is synchronised on its own.
            return;
        }
        tracing::info!(%zone, "asking what was missed");
        let begun = Instant::now();
        let deadline = begun + settings.limit;
        if settings.peers {
            self.waits(&zone, epoch, "other registrars to answer");
            if timeout_at(deadline, peers::ask(&self.context, &zone))
                .await
                .is_err()
            {
                tracing::warn!(%zone, "other registrars did not tell all in time");
            }
        }
        if settings.sync {
            self.waits(&zone, epoch, "the proxies' replay to end");
            self.request_replay(&zone).await;
            let deadline = deadline.max(Instant::now() + QUIET * 2);
            if timeout_at(deadline, self.context.replay.quiet())
                .await
                .is_err()
            {
                tracing::warn!(%zone, "the proxies' replay went on for too long to wait for its end");
            }
        }
        let context = &self.context;
        if context.health.set_sync_state(&zone, epoch, SyncState::Warm) {
            context.update_sync_state();
            let registrations = context.cache.held();
            tracing::info!(%zone, elapsed_ms = begun.elapsed().as_millis(), registrations, "warm");
        }
        context.gap.notify_one();
    }

    /// Asks the proxies to replay what they hold. False if the broker did not take the request.
    async fn request_replay(&self, zone: &Zone) -> bool {
        let body = encode_sync(&self.context.settings.identity);
        let asking = (self.context).publish(Some(zone), REGISTRAR_EXCHANGE, SYNC_KEY, body);
        asking.await.missing.is_empty()
    }

    /// Asks the proxies and the other registrars of every connected zone for what they have; returns
    /// when they have answered, or their time is up. The zones stay warm meanwhile. Rounds of
    /// reconciliation follow.
    pub(crate) async fn resync(&self) -> Result<Synced, SyncError> {
        let Ok(_resyncing) = self.resyncing.try_lock() else {
            return Err(SyncError::Running);
        };
        let zones = self.context.health.zones().into_iter();
        let up = zones.filter(|(_, zone)| zone.link == LinkState::Consuming);
        let up: Vec<_> = up.map(|(name, _)| Zone::new(&name)).collect();
        if up.is_empty() {
            return Err(SyncError::NoZone);
        }
        let counts = || {
            let of = |(kind, reason)| self.context.metrics.of(kind, reason);
            (of(MERGED), self.context.replay.bindings(), of(STORED_NEW))
        };
        let before = counts();
        let zones = join_all(up.into_iter().map(|zone| self.ask(zone))).await;
        let after = counts();
        self.context.gap.notify_one();
        Ok(Synced {
            zones,
            from_peers: after.0.saturating_sub(before.0),
            replayed: after.1.saturating_sub(before.1),
            new: after.2.saturating_sub(before.2),
        })
    }

    async fn ask(&self, zone: Zone) -> (Zone, usize) {
        let peers = timeout(LIMIT, peers::ask(&self.context, &zone)).await;
        if self.request_replay(&zone).await {
            // A replay that goes on for longer does no harm: it is taken in as it comes.
            let _ = timeout(LIMIT, self.context.replay.quiet()).await;
        }
        (zone, peers.unwrap_or_default())
    }
}

#[cfg(test)]
#[path = "synchroniser_tests.rs"]
mod tests;
