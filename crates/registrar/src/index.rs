//! Who an account or a realm has, so that no question scans the table.
//!
//! Slots with the same account and realms are a group; accounts and realms have groups. So a slot
//! stands in one place, however many questions find it.

use std::{
    hash::Hash,
    sync::{
        self,
        atomic::{AtomicBool, Ordering},
    },
};

use dashmap::{DashMap, Entry};
use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;
use registration::{AccountId, Text, UnixMillis};
use smallvec::SmallVec;
use triomphe::Arc;

use crate::{
    accounts::Former,
    shared::{Count, Owner},
    slot::Slot,
    slots::Slots,
};

/// Slots with the same keys. In this order, what tells whether a kept list still is stands together,
/// in one line of the processor's cache.
#[repr(C)]
pub(crate) struct Group {
    /// How often one has come, gone, or taken another's place.
    changes: Count,
    /// Any of their owners.
    owner: sync::Arc<Owner>,
    /// Whether no other group is found by its realm.
    alone_in_realm: AtomicBool,
    /// Whether no other group is found by its account's realm, if that is another.
    alone_in_accounts: AtomicBool,
    members: Mutex<Members>,
}

impl Group {
    pub(crate) fn account(&self) -> Option<&AccountId> {
        self.owner.account.as_ref()
    }

    /// Their realm, lower-cased.
    pub(crate) fn folded_realm(&self) -> &str {
        &self.owner.folded_realm
    }

    /// Whether a slot belongs into it.
    pub(crate) fn is_of(&self, slot: &Slot) -> bool {
        self.owner.has_keys_of(slot.owner())
    }

    /// Whether it is found by a realm, in lower case, and no other group is.
    pub(crate) fn is_alone_in(&self, realm: &str) -> bool {
        let owner = &self.owner;
        if *owner.folded_realm == *realm {
            self.alone_in_realm.load(Ordering::Relaxed)
        } else {
            owner.folded_account_realm.as_deref() == Some(realm)
                && self.alone_in_accounts.load(Ordering::Relaxed)
        }
    }

    /// Notes whether another is found by a realm by which it is.
    fn note_alone(&self, realm: &str, is_alone: bool) {
        let noted = if *self.owner.folded_realm == *realm {
            &self.alone_in_realm
        } else {
            &self.alone_in_accounts
        };
        noted.store(is_alone, Ordering::Relaxed);
    }

    /// How many of its slots live.
    pub(crate) fn count(&self, now: UnixMillis) -> usize {
        self.members.lock().count(now)
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.lock().slots.len()
    }

    /// Shows all its slots to `show`.
    pub(crate) fn each(&self, show: impl FnMut(&Slot)) {
        self.members.lock().slots.each(show);
    }

    /// Puts a slot in, unless the group is no more: nobody would find it there.
    fn put(&self, slot: &Slot, is_new: bool) -> bool {
        let mut members = self.members.lock();
        if members.are_no_more {
            return false;
        }
        members.put(slot.clone(), is_new);
        self.changes.add();
        true
    }
}

struct Members {
    slots: Slots,
    /// The last one has left, and the group with it.
    are_no_more: bool,
    /// None of them ends before that: a refresh only ever puts an end off.
    safe_until: UnixMillis,
}

impl Default for Members {
    fn default() -> Self {
        Self {
            slots: Slots::default(),
            are_no_more: false,
            safe_until: UnixMillis(u64::MAX),
        }
    }
}

impl Members {
    fn put(&mut self, slot: Slot, is_new: bool) {
        self.safe_until = self.safe_until.min(slot.until());
        if is_new {
            self.slots.add(slot);
        } else {
            self.slots.replace(slot);
        }
    }

    /// How many live; only where one may have ended are they looked at.
    fn count(&mut self, now: UnixMillis) -> usize {
        if now < self.safe_until {
            return self.slots.len();
        }
        let (mut live, mut safe_until) = (0, UnixMillis(u64::MAX));
        self.slots.each(|slot| {
            live += usize::from(slot.is_live(now));
            safe_until = safe_until.min(slot.until());
        });
        self.safe_until = safe_until;
        live
    }
}

/// A group, as whoever has found it holds it.
pub(crate) type GroupRef = Arc<Group>;

/// Mostly one, which stands in its map. Only one of their locks is to be held at a time, and no map's
/// is to be taken meanwhile.
pub(crate) type Groups = SmallVec<[GroupRef; 1]>;

/// Slots by account and by realm. Realms are folded to lower case.
#[derive(Default)]
pub(crate) struct Index {
    /// The newest last.
    accounts: DashMap<AccountId, Groups, DefaultHashBuilder>,
    /// Who was there and has left.
    former: Former,
    /// A group is entered and left under the lock of its own realm here; the rest follows.
    realms: DashMap<Text, Groups, DefaultHashBuilder>,
}

impl Index {
    /// Enters a slot under its keys, in place of what is there of its stay if that is not new.
    pub(crate) fn put(&self, slot: &Slot, is_new: bool) {
        let owner = slot.owner();
        let put = |groups: &Groups| {
            let group = groups.iter().find(|group| group.is_of(slot));
            group.is_some_and(|group| group.put(slot, is_new))
        };
        // Mostly there is one: its key need not be made for that.
        if self
            .realms
            .get(&owner.folded_realm)
            .is_some_and(|groups| put(&groups))
        {
            return;
        }
        let group = {
            let mut groups = self.realms.entry(owner.folded_realm.clone()).or_default();
            if put(&groups) {
                return;
            }
            let mut members = Members::default();
            members.put(slot.clone(), true);
            let group = Arc::new(Group {
                owner: sync::Arc::clone(owner),
                members: Mutex::new(members),
                changes: Count::default(),
                alone_in_realm: AtomicBool::new(false),
                alone_in_accounts: AtomicBool::new(false),
            });
            add(&mut groups, &group);
            note_alone(&owner.folded_realm, &groups);
            group
        };
        if let Some(account) = &owner.account {
            let mut groups = self.accounts.entry(*account).or_default();
            add(&mut groups, &group);
        }
        if let Some(realm) = &owner.folded_account_realm {
            let mut groups = self.realms.entry(realm.clone()).or_default();
            add(&mut groups, &group);
            note_alone(realm, &groups);
        }
    }

    /// Enters a new slot like [`Index::put`]. Where those with the same keys come one after the other,
    /// their group is looked for once, and kept in `last`.
    pub(crate) fn put_next(&self, slot: &Slot, last: &mut Option<GroupRef>) {
        let same = last.as_ref().filter(|last| last.is_of(slot));
        if same.is_some_and(|group| group.put(slot, true)) {
            return;
        }
        self.put(slot, true);
        *last = self
            .realms
            .get(&slot.owner().folded_realm)
            .and_then(|groups| {
                let mut groups = groups.iter();
                groups.find(|group| group.is_of(slot)).cloned()
            });
    }

    /// Takes a slot's stay out from under its keys.
    pub(crate) fn remove(&self, slot: &Slot) {
        let owner = slot.owner();
        let Entry::Occupied(mut groups) = self.realms.entry(owner.folded_realm.clone()) else {
            return;
        };
        let of = groups.get_mut();
        let Some(at) = of.iter().position(|group| group.is_of(slot)) else {
            return;
        };
        let is_empty = of.get(at).is_some_and(|group| {
            let mut members = group.members.lock();
            members.slots.remove(slot.stay());
            group.changes.add();
            members.are_no_more = members.slots.len() == 0;
            members.are_no_more
        });
        if !is_empty {
            return;
        }
        // An empty group left behind for every realm ever seen would grow without bound.
        let group = of.swap_remove(at);
        // Its account finds it a moment longer.
        group.note_alone(&owner.folded_realm, false);
        note_alone(&owner.folded_realm, of);
        if of.is_empty() {
            groups.remove();
        } else {
            drop(groups);
        }
        if let Some(account) = &owner.account {
            unlink(&self.accounts, account, &group, |left| {
                // Before nobody finds it there any more.
                if left.is_empty() {
                    self.former.remember(*account, owner.own_realm());
                }
            });
        }
        if let Some(realm) = &owner.folded_account_realm {
            unlink(&self.realms, realm, &group, |left| note_alone(realm, left));
        }
    }

    /// The groups of an account.
    pub(crate) fn of_account(&self, account: &AccountId) -> Groups {
        let groups = self.accounts.get(account).map(|groups| groups.clone());
        groups.unwrap_or_default()
    }

    /// The groups of a realm, in any case.
    pub(crate) fn of_realm(&self, realm: &str) -> Groups {
        let groups = self.groups_ref(realm);
        groups.map(|groups| groups.clone()).unwrap_or_default()
    }

    /// Shows the groups of an account, if one is given; returns in which of these realms there may
    /// be others. No map's lock is to be taken meanwhile.
    pub(crate) fn each_of_account<'a>(
        &self,
        account: Option<&AccountId>,
        realms: &'a [impl AsRef<str>],
        show: impl FnMut(&GroupRef),
    ) -> Vec<&'a str> {
        let realms = realms.iter().map(AsRef::as_ref);
        let Some(groups) = account.and_then(|account| self.accounts.get(account)) else {
            return realms.collect();
        };
        groups.iter().for_each(show);
        let has_others = |realm: &&str| !groups.iter().any(|group| group.is_alone_in(realm));
        realms.filter(has_others).collect()
    }

    /// Shows the groups of a realm, in any case, but not those of an account. No map's lock is to be
    /// taken meanwhile.
    pub(crate) fn each_of_realm(
        &self,
        realm: &str,
        but_of: Option<&AccountId>,
        show: impl FnMut(&GroupRef),
    ) {
        if let Some(groups) = self.groups_ref(realm) {
            let is_of = |group: &Group| but_of.is_some() && group.account() == but_of;
            let others = groups.iter().filter(|group| !is_of(group));
            others.for_each(show);
        }
    }

    fn groups_ref(&self, realm: &str) -> Option<dashmap::mapref::one::Ref<'_, Text, Groups>> {
        if realm.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.realms.get(&*realm.to_ascii_lowercase())
        } else {
            self.realms.get(realm)
        }
    }

    /// How many there are of the same account; of the same realm, where there is no account.
    pub(crate) fn peers_of(&self, owner: &Owner) -> usize {
        let all = |groups: &Groups| groups.iter().map(|group| group.len()).sum();
        match &owner.account {
            Some(account) => self.accounts.get(account).map_or(0, |groups| all(&groups)),
            None => (self.realms.get(&owner.folded_realm)).map_or(0, |groups| all(&groups)),
        }
    }

    /// The realm of an account, lower-cased: of who came last, if anybody is there.
    pub(crate) fn realm_of(&self, account: &AccountId) -> Option<Text> {
        if let Some(groups) = self.accounts.get(account)
            && let Some(newest) = groups.last()
        {
            return Some(newest.owner.own_realm().clone());
        }
        self.former.realm_of(account)
    }

    /// Remembers whose a registration was that is not taken in.
    pub(crate) fn remember(&self, owner: &Owner) {
        if let Some(account) = &owner.account
            && !self.accounts.contains_key(account)
        {
            self.former.remember(*account, owner.own_realm());
        }
    }

    /// Every realm.
    pub(crate) fn realms(&self) -> Vec<Text> {
        self.realms.iter().map(|of| of.key().clone()).collect()
    }

    /// The realms of accounts that have left; some may have come back.
    pub(crate) fn former_realms(&self) -> Vec<Text> {
        self.former.realms()
    }

    /// Whether anything is left in it.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.realms.is_empty()
    }
}

/// Adds a group, as most have no other.
fn add(groups: &mut Groups, group: &GroupRef) {
    groups.reserve_exact(1);
    groups.push(Arc::clone(group));
}

/// Notes of the groups that are found by a realm whether it is one, after one has come or gone.
fn note_alone(realm: &str, groups: &Groups) {
    match groups.as_slice() {
        [one] => one.note_alone(realm, true),
        [one, other] => {
            one.note_alone(realm, false);
            other.note_alone(realm, false);
        }
        // Of more than two nobody was alone before.
        _ => {}
    }
}

fn unlink<K: Eq + Hash + Clone>(
    map: &DashMap<K, Groups, DefaultHashBuilder>,
    key: &K,
    group: &GroupRef,
    note: impl FnOnce(&Groups),
) {
    if let Entry::Occupied(mut groups) = map.entry(key.clone()) {
        let left = groups.get_mut();
        left.retain(|there| !Arc::ptr_eq(there, group));
        note(left);
        if left.is_empty() {
            groups.remove();
        }
    }
}
