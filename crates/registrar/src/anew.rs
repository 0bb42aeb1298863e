//! An operator's order: ask proxies and other registrars anew, though nothing is known to be missing.

use std::time::Duration;

use futures_util::future::join_all;
use registration::Zone;
use tokio::time::timeout;

use crate::{
    Registrar,
    health::LinkState,
    outcome::{MERGED, STORED_NEW},
};

/// How long others have to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// What it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// The zones that were asked, each with how many other registrars answered.
    pub zones: Vec<(Zone, usize)>,
    /// Registrations that they knew better.
    pub from_peers: u64,
    /// Bindings that proxies replayed.
    pub replayed: u64,
    /// Registrations that the table lacked, as events and replays told meanwhile.
    pub new: u64,
}

/// Why nobody was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// Everybody is being asked already.
    #[error("proxies and other registrars are being asked already")]
    Running,
    /// No zone's broker is connected.
    #[error("no zone is connected to its broker")]
    NoZone,
}

impl Registrar {
    /// Asks the proxies and the other registrars of every connected zone what they have; returns
    /// when they have answered, or have had long enough. The table stays warm meanwhile. Rounds of
    /// reconciliation follow.
    pub async fn ask_anew(&self) -> Result<Synced, SyncError> {
        let Ok(_only) = self.asking.try_lock() else {
            return Err(SyncError::Running);
        };
        let zones = self.health.zones().into_iter();
        let up = zones.filter(|(_, zone)| zone.link == LinkState::Consuming);
        let up: Vec<_> = up.map(|(name, _)| Zone::new(&name)).collect();
        if up.is_empty() {
            return Err(SyncError::NoZone);
        }
        let counts = || {
            let of = |(kind, reason)| self.stats.of(kind, reason);
            (of(MERGED), self.replay.words(), of(STORED_NEW))
        };
        let before = counts();
        let zones = join_all(up.into_iter().map(|zone| self.ask_zone(zone))).await;
        let after = counts();
        self.gap.notify_one();
        Ok(Synced {
            zones,
            from_peers: after.0.saturating_sub(before.0),
            replayed: after.1.saturating_sub(before.1),
            new: after.2.saturating_sub(before.2),
        })
    }

    async fn ask_zone(&self, zone: Zone) -> (Zone, usize) {
        let asking = timeout(LIMIT, self.ask_peers(&zone));
        let peers = asking.await.unwrap_or_default();
        if self.ask_proxies(&zone).await {
            // That it goes on for longer harms nothing: whatever comes is taken.
            let _ = timeout(LIMIT, self.replay.quiet()).await;
        }
        (zone, peers)
    }
}

#[cfg(test)]
mod tests {
    use registration::Zone;

    use super::*;
    use crate::fakes::World;

    #[tokio::test(start_paused = true)]
    async fn everybody_is_asked_and_the_table_stays_warm() {
        let world = World::new(vec![]);
        assert_eq!(
            world.registrar.ask_anew().await.unwrap_err(),
            SyncError::NoZone
        );
        let local = Zone::new("local");
        world.registrar.link(&local, LinkState::Consuming);
        let warmth = world.registrar.health().zones();
        let (first, second) = tokio::join!(world.registrar.ask_anew(), world.registrar.ask_anew());
        assert_eq!(second.unwrap_err(), SyncError::Running);
        assert_eq!(first.unwrap().zones[0].0, local);
        assert_eq!(world.registrar.health().zones(), warmth);
        let keys: Vec<_> = world.bus.sent().into_iter().map(|(key, _)| key).collect();
        let asked = |start: &str| keys.iter().any(|key| key.starts_with(start));
        assert!(asked("registration.query"), "{keys:?}");
        assert!(asked("registration.sync"), "{keys:?}");
    }
}
