//! Synchronises each zone whose connection comes up: what happened meanwhile was missed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use registration::Zone;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    peers::Peers,
    replay::{QUIET, Replay},
};
use crate::{context::Context, health::SyncState};

/// The least time from one synchronisation of a zone to the next, should its link come and go.
const APART: Duration = Duration::from_secs(15);

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

/// Synchronises zones that come up.
pub(crate) struct Recovery {
    context: Arc<Context>,
    peers: Arc<Peers>,
    replay: Arc<Replay>,
}

impl Recovery {
    pub(crate) fn new(context: Arc<Context>, peers: Arc<Peers>, replay: Arc<Replay>) -> Self {
        Self {
            context,
            peers,
            replay,
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
            if timeout_at(deadline, self.peers.ask(&zone)).await.is_err() {
                tracing::warn!(%zone, "other registrars did not tell all in time");
            }
        }
        if settings.sync {
            self.waits(&zone, epoch, "the proxies' replay to end");
            self.replay.request(&zone).await;
            let deadline = deadline.max(Instant::now() + QUIET * 2);
            if timeout_at(deadline, self.replay.quiet()).await.is_err() {
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
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
