//! An operator's order to ask proxies and other registrars again, though nothing seems to be missing.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use registration::Zone;
use tokio::{sync::Mutex, time::timeout};

use super::{peers::Peers, replay::Replay};
use crate::{
    context::Context,
    health::LinkState,
    metrics::{MERGED, STORED_NEW},
};

/// How long others have to answer.
const LIMIT: Duration = Duration::from_secs(30);

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

/// Asks again.
pub(crate) struct Resync {
    context: Arc<Context>,
    peers: Arc<Peers>,
    replay: Arc<Replay>,
    /// Locked while one is running.
    running: Mutex<()>,
}

impl Resync {
    pub(crate) fn new(context: Arc<Context>, peers: Arc<Peers>, replay: Arc<Replay>) -> Self {
        Self {
            context,
            peers,
            replay,
            running: Mutex::default(),
        }
    }

    /// Asks the proxies and the other registrars of every connected zone for what they have; returns
    /// when they have answered, or their time is up. The zones stay warm meanwhile. Rounds of
    /// reconciliation follow.
    pub(crate) async fn run(&self) -> Result<Synced, SyncError> {
        let Ok(_running) = self.running.try_lock() else {
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
            (of(MERGED), self.replay.bindings(), of(STORED_NEW))
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
        let peers = timeout(LIMIT, self.peers.ask(&zone)).await;
        if self.replay.request(&zone).await {
            // A replay that goes on for longer does no harm: it is taken in as it comes.
            let _ = timeout(LIMIT, self.replay.quiet()).await;
        }
        (zone, peers.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use registration::Zone;

    use super::*;
    use crate::fakes::World;

    #[tokio::test(start_paused = true)]
    async fn all_are_asked_and_the_zones_stay_warm() {
        let world = World::new(vec![]);
        assert_eq!(
            world.registrar.resync().await.unwrap_err(),
            SyncError::NoZone
        );
        let local = Zone::new("local");
        world.registrar.link(&local, LinkState::Consuming);
        let before = world.registrar.health().zones();
        let (first, second) = tokio::join!(world.registrar.resync(), world.registrar.resync());
        assert_eq!(second.unwrap_err(), SyncError::Running);
        assert_eq!(first.unwrap().zones[0].0, local);
        assert_eq!(world.registrar.health().zones(), before);
        let keys: Vec<_> = world.bus.sent().into_iter().map(|(key, _)| key).collect();
        let asked = |start: &str| keys.iter().any(|key| key.starts_with(start));
        assert!(asked("registration.query"), "{keys:?}");
        assert!(asked("registration.sync"), "{keys:?}");
    }
}
