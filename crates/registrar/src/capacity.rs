//! How much the table holds at most: a flood of invented AORs must not take the memory, nor the
//! place of those who are registered.

use std::sync::atomic::{AtomicUsize, Ordering};

use registration::Ignored;

/// The most AORs that are remembered without being registered.
const MAX_REMEMBERED: usize = 500_000;

/// The most that the table takes. Who is registered stays, and is refreshed as before; who is new is
/// refused beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Registrations in all.
    pub registrations: usize,
    /// Registrations of one account; of one realm, for those that name no account.
    pub of_account: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            registrations: 5_000_000,
            of_account: 100_000,
        }
    }
}

/// How much there is. Entries that have ended count until they are reclaimed.
#[derive(Default)]
pub(crate) struct Load {
    live: AtomicUsize,
    remembered: AtomicUsize,
}

/// What an entry is to the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Live,
    Remembered,
}

impl Load {
    pub(crate) fn replace(&self, old: Option<Kind>, new: Option<Kind>) {
        if old != new {
            if let Some(new) = new {
                self.of(new).fetch_add(1, Ordering::Relaxed);
            }
            if let Some(old) = old {
                self.of(old).fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Counts up to `most` newcomers before they come, as far as there is room. Returns how many those
    /// are; whoever does not come is to be given back.
    pub(crate) fn claim(&self, most: usize, capacity: Capacity) -> usize {
        let mut claimed = 0;
        let claim = |live: usize| {
            claimed = capacity.registrations.saturating_sub(live).min(most);
            Some(live + claimed)
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        // It is claimed in any case.
        let _ = self.live.fetch_update(set, fetch, claim);
        claimed
    }

    pub(crate) fn give_back(&self, claimed: usize) {
        self.live.fetch_sub(claimed, Ordering::Relaxed);
    }

    fn of(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Live => &self.live,
            Kind::Remembered => &self.remembered,
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    pub(crate) fn all(&self) -> usize {
        self.live() + self.remembered.load(Ordering::Relaxed)
    }

    /// Whether an AOR that is not registered may be remembered.
    pub(crate) fn has_memory(&self) -> bool {
        self.remembered.load(Ordering::Relaxed) < MAX_REMEMBERED
    }

    /// Why a newcomer has to stay out, if it has to; `peers` counts those of its account.
    pub(crate) fn refuses(
        &self,
        capacity: Capacity,
        peers: impl FnOnce() -> usize,
    ) -> Option<Ignored> {
        if self.live() >= capacity.registrations {
            Some(Ignored::TableFull)
        } else if peers() >= capacity.of_account {
            Some(Ignored::AccountFull)
        } else {
            None
        }
    }
}
