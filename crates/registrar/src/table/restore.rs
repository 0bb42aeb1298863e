//! Taking in what a snapshot held.

use std::sync::Arc;

use super::{Table, lease};
use crate::{
    changes::{Change, Listeners},
    held::Held,
    packed::Times,
    restore::MAX_THREADS,
    shared::{Gear, Owner},
    slot::{Making, Slot},
};

/// How many are counted, and told of, at once.
const TOGETHER: usize = 256;

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

    /// Remembers whose registrations a snapshot held, even if all of them are over.
    pub(crate) fn remember(&self, owner: &Owner) {
        self.index.remember(owner);
    }

    /// Takes in what a snapshot held, as far as it is not over and not known better; tells of each.
    /// Returns how many those were. Takes least where those of one owner stand together.
    pub(crate) fn restore(&self, slots: Vec<Slot>, listeners: &Listeners) -> u64 {
        let mut restored = Vec::with_capacity(slots.len());
        let mut changes = Vec::with_capacity(TOGETHER);
        let mut merged = 0;
        let (mut admission, mut group) = (Admission::of(self), None);
        for slot in slots {
            let username = slot.username();
            let mut place = self.place(&username, slot.realm());
            if !slot.is_live(place.now) {
                continue;
            }
            if place.held().is_some() {
                drop(place);
                let applied = self.merge(&Held::new(slot).registration());
                if let Some(change) = Change::of(&applied) {
                    merged += 1;
                    listeners.tell(&change);
                }
                continue;
            }
            if !admission.admits(slot.owner()) {
                continue;
            }
            let hash = |slot: &Slot| self.shards.hash_of(slot);
            place.shard.insert(place.hash, slot.clone(), hash);
            self.index.put_next(&slot, &mut group);
            restored.push((lease(place.hash, &slot), slot.until()));
            drop(place);
            changes.push(Change::restored(Held::new(slot)));
            if changes.len() == TOGETHER {
                listeners.tell_restored(&changes);
                changes.clear();
            }
        }
        listeners.tell_restored(&changes);
        let count = restored.len() as u64;
        self.leases.grant_all(restored);
        count + merged
    }
}

/// Lets in as many as the table takes, without a look at what it holds for each of them.
struct Admission<'a> {
    table: &'a Table,
    /// Counted as the table's, and not there yet.
    claimed: usize,
    owner: Option<Arc<Owner>>,
    /// How many more of the owner's account may come before they are counted again.
    room: usize,
}

impl<'a> Admission<'a> {
    fn of(table: &'a Table) -> Self {
        Self {
            table,
            claimed: 0,
            owner: None,
            room: 0,
        }
    }

    /// Whether there is room for one more of this owner, who is then the table's.
    fn admits(&mut self, owner: &Arc<Owner>) -> bool {
        let is_same = |known: &Arc<Owner>| Arc::ptr_eq(known, owner);
        if self.room == 0 || !self.owner.as_ref().is_some_and(is_same) {
            let of_account = self.table.capacity.of_account;
            let left = of_account.saturating_sub(self.table.index.peers_of(owner));
            // Others may take in of the same account meanwhile.
            self.room = left.div_ceil(2 * MAX_THREADS);
            self.owner = Some(Arc::clone(owner));
        }
        if self.claimed == 0 {
            self.claimed = self.table.load.claim(TOGETHER, self.table.capacity);
        }
        let admits = self.room > 0 && self.claimed > 0;
        if admits {
            self.room -= 1;
            self.claimed -= 1;
        }
        admits
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.table.load.give_back(self.claimed);
    }
}
