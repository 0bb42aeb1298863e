//! How many registrations there may be: a flood of invented AORs must take neither the memory nor the
//! place of phones that are registered.

use std::sync::atomic::{AtomicUsize, Ordering};

use registration::Ignored;

/// Bounds. At a bound registered phones stay and are refreshed; newcomers are refused.
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

/// How many registrations there are; those that have ended count until they are swept.
#[derive(Default)]
pub(super) struct Load(AtomicUsize);

impl Load {
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn take_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Why a newcomer is refused, if it is; `peers` counts the registrations of its account.
    pub(super) fn refuses(
        &self,
        capacity: Capacity,
        peers: impl FnOnce() -> usize,
    ) -> Option<Ignored> {
        if self.get() >= capacity.registrations {
            Some(Ignored::CacheFull)
        } else if peers() >= capacity.of_account {
            Some(Ignored::AccountFull)
        } else {
            None
        }
    }
}
