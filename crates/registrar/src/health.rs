//! The state of the brokers' connections and of synchronisation: what an operator asks first.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use registration::{UnixMillis, Zone};
use tokio::sync::Notify;

/// The state of a zone's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not yet up since the start.
    Connecting,
    /// Events come in.
    Consuming,
    /// Down, with what was last wrong; it is being tried again.
    Down {
        /// What was last wrong.
        reason: String,
    },
}

/// How far the table is synchronised with a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// What happened before the connection came up is not known.
    Cold,
    /// It is being asked for.
    Warming {
        /// What is being waited for.
        waits_for: &'static str,
    },
    /// Everything that could be asked for is known.
    Warm,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneHealth {
    /// Its connection.
    pub link: LinkState,
    /// Since when the connection is in that state.
    pub since: UnixMillis,
    /// Its synchronisation.
    pub sync: SyncState,
    /// Number of the connection, counted from the start.
    epoch: u64,
}

impl ZoneHealth {
    /// How often its connection has come up since the start.
    pub fn links(&self) -> u64 {
        self.epoch
    }
}

/// What one round of asking all proxies came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// When it ended.
    pub ended: UnixMillis,
    /// Realms that were asked for.
    pub realms: u64,
    /// Registrations that their proxies no longer had, and that were removed.
    pub ghosts: u64,
    /// Bindings that were missing here, and that were taken in.
    pub finds: u64,
    /// Proxies that did not answer for a realm.
    pub unanswered: u64,
}

/// The state of all zones, and the last round of reconciliation.
#[derive(Default)]
pub struct Health {
    zones: Mutex<BTreeMap<String, ZoneHealth>>,
    round: Mutex<Option<Round>>,
    changed: Notify,
}

impl Health {
    /// Every zone by name.
    pub fn zones(&self) -> BTreeMap<String, ZoneHealth> {
        self.zones.lock().clone()
    }

    /// The last round of reconciliation.
    pub fn last_round(&self) -> Option<Round> {
        *self.round.lock()
    }

    /// Whether some zone consumes, and every zone that consumes is warm.
    pub fn is_ready(&self) -> bool {
        let zones = self.zones.lock();
        let mut up = zones
            .values()
            .filter(|zone| zone.link == LinkState::Consuming)
            .peekable();
        up.peek().is_some() && up.all(|zone| zone.sync == SyncState::Warm)
    }

    /// Whether every zone consumes and is warm: then every registration there is is in the table.
    pub(crate) fn is_complete(&self) -> bool {
        let zones = self.zones.lock();
        let whole =
            |zone: &ZoneHealth| zone.link == LinkState::Consuming && zone.sync == SyncState::Warm;
        !zones.is_empty() && zones.values().all(whole)
    }

    pub(crate) fn link(&self, zone: &Zone, link: LinkState, now: UnixMillis) {
        let mut zones = self.zones.lock();
        let known = zones.get(zone.as_str());
        let epoch = known.map_or(0, |zone| zone.epoch);
        let still_down = known.filter(|known| {
            let is_down = |link: &LinkState| matches!(link, LinkState::Down { .. });
            is_down(&known.link) && is_down(&link)
        });
        let since = still_down.map_or(now, |known| known.since);
        let comes_up = link == LinkState::Consuming;
        let health = ZoneHealth {
            link,
            since,
            sync: SyncState::Cold,
            epoch: epoch + u64::from(comes_up),
        };
        zones.insert(zone.as_str().to_owned(), health);
        drop(zones);
        if comes_up {
            self.changed.notify_one();
        }
    }

    /// Waits for a zone that consumes and is cold. Returns it with its connection's epoch.
    pub(crate) async fn next_cold(&self) -> (Zone, u64) {
        loop {
            let cold = self.zones.lock().iter().find_map(|(name, zone)| {
                let is_cold = zone.link == LinkState::Consuming && zone.sync == SyncState::Cold;
                is_cold.then(|| (Zone::new(name), zone.epoch))
            });
            match cold {
                Some(cold) => return cold,
                None => self.changed.notified().await,
            }
        }
    }

    /// Notes a zone's synchronisation. False if its connection has been replaced since.
    pub(crate) fn set_sync_state(&self, zone: &Zone, epoch: u64, state: SyncState) -> bool {
        match self.zones.lock().get_mut(zone.as_str()) {
            Some(health) if health.epoch == epoch && health.link == LinkState::Consuming => {
                health.sync = state;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn round(&self, round: Round) {
        *self.round.lock() = Some(round);
    }
}
