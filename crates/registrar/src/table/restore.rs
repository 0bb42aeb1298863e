//! Taking in what a snapshot held.

use std::sync::Arc;

use super::{Table, lease};
use crate::{
    capacity::Kind,
    changes::{Change, Watchers},
    held::Held,
    packed::Times,
    shared::{Gear, Owner},
    slot::{Making, Slot},
};

impl Table {
    /// Makes of a snapshot's record what the table would hold; `None` if it is none.
    pub(crate) fn unpack(
        &self,
        times: Times,
        bytes: &[u8],
        owner: Arc<Owner>,
        gear: Arc<Gear>,
    ) -> Option<Slot> {
        let making = Making {
            stay: self.new_stay(),
            owner,
            gear,
            fingerprint: 0,
            ledger: None,
        };
        Slot::from_packed(times, bytes, making)
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&self, more: usize) {
        self.shards.reserve(more);
    }

    /// Takes in what a snapshot held, as far as it is not over and not known better; tells of each.
    /// Returns how many those were.
    pub(crate) fn restore(&self, slots: &[Slot], watchers: &Watchers) -> u64 {
        let mut restored = Vec::with_capacity(slots.len());
        let mut merged = 0;
        for slot in slots {
            let username = slot.username();
            let mut place = self.place(&username, slot.realm());
            if !slot.is_live(place.now) {
                continue;
            }
            if place.held().is_some() {
                drop(place);
                let applied = self.merge(&Held::new(slot.clone()).registration());
                if let Some(change) = Change::of(&applied) {
                    merged += 1;
                    watchers.tell(&change);
                }
                continue;
            }
            let peers = || self.index.peers_of(slot.owner());
            if self.load.refuses(self.capacity, peers).is_some() {
                continue;
            }
            let hash = |slot: &Slot| self.shards.hash_of(slot);
            place.shard.insert_unique(place.hash, slot.clone(), hash);
            self.load.replace(None, Some(Kind::Live));
            self.index.put(slot, true);
            restored.push((lease(place.hash, slot), slot.until()));
            drop(place);
            watchers.tell_restored(Held::new(slot.clone()));
        }
        let count = restored.len() as u64;
        self.leases.grant_all(restored);
        count + merged
    }
}
