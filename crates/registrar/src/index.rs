//! Who an account or a realm has, so that no question scans the table.
//!
//! Slots with the same account and realms are a group; accounts and realms have groups. So a slot
//! stands in one place, however many questions find it.

use std::{hash::Hash, sync::Arc};

use dashmap::{DashMap, Entry};
use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;
use registration::{AccountId, Text};

use crate::{shared::Owner, slot::Slot, slots::Slots};

/// Slots with the same keys.
struct Group {
    /// Any of their owners.
    owner: Arc<Owner>,
    members: Mutex<Slots>,
}

type Groups = Vec<Arc<Group>>;

/// Slots by account and by realm. Realms are folded to lower case.
#[derive(Default)]
pub(crate) struct Index {
    accounts: DashMap<AccountId, Groups, DefaultHashBuilder>,
    /// A group is entered and left under the lock of its own realm here; the rest follows.
    realms: DashMap<Text, Groups, DefaultHashBuilder>,
}

impl Index {
    /// Enters a slot under its keys, in place of what is there of its stay.
    pub(crate) fn put(&self, slot: &Slot) {
        let owner = slot.owner();
        let group = {
            let mut groups = self.realms.entry(owner.folded_realm.clone()).or_default();
            if let Some(group) = groups.iter().find(|group| group.owner.has_keys_of(owner)) {
                group.members.lock().put(slot.clone());
                return;
            }
            let mut members = Slots::default();
            members.put(slot.clone());
            let group = Arc::new(Group {
                owner: Arc::clone(owner),
                members: Mutex::new(members),
            });
            groups.reserve_exact(1);
            groups.push(Arc::clone(&group));
            group
        };
        if let Some(account) = &owner.account {
            link(&self.accounts, account, &group);
        }
        if let Some(realm) = &owner.folded_account_realm {
            link(&self.realms, realm, &group);
        }
    }

    /// Takes a slot's stay out from under its keys.
    pub(crate) fn remove(&self, slot: &Slot) {
        let owner = slot.owner();
        let Entry::Occupied(mut groups) = self.realms.entry(owner.folded_realm.clone()) else {
            return;
        };
        let of = groups.get_mut();
        let Some(at) = of.iter().position(|group| group.owner.has_keys_of(owner)) else {
            return;
        };
        let is_empty = of.get(at).is_some_and(|group| {
            let mut members = group.members.lock();
            members.remove(slot.stay());
            members.len() == 0
        });
        if !is_empty {
            return;
        }
        // An empty group left behind for every realm ever seen would grow without bound.
        let group = of.swap_remove(at);
        if of.is_empty() {
            groups.remove();
        } else {
            drop(groups);
        }
        if let Some(account) = &owner.account {
            unlink(&self.accounts, account, &group);
        }
        if let Some(realm) = &owner.folded_account_realm {
            unlink(&self.realms, realm, &group);
        }
    }

    /// Shows those of an account to `show`.
    pub(crate) fn of_account(&self, account: &AccountId, show: impl FnMut(&Slot)) {
        let groups = self.accounts.get(account).map(|groups| groups.clone());
        each(groups.unwrap_or_default(), show);
    }

    /// Shows those of a realm, in any case, to `show`.
    pub(crate) fn of_realm(&self, realm: &str, show: impl FnMut(&Slot)) {
        each(self.groups_of(realm), show);
    }

    fn groups_of(&self, realm: &str) -> Groups {
        let groups = if realm.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.realms.get(&*realm.to_ascii_lowercase())
        } else {
            self.realms.get(realm)
        };
        groups.map(|groups| groups.clone()).unwrap_or_default()
    }

    /// How many there are of the same account; of the same realm, where there is no account.
    pub(crate) fn peers_of(&self, owner: &Owner) -> usize {
        let groups = match &owner.account {
            Some(account) => self.accounts.get(account).map(|groups| groups.clone()),
            None => Some(self.groups_of(&owner.folded_realm)),
        };
        let groups = groups.unwrap_or_default();
        groups.iter().map(|group| group.members.lock().len()).sum()
    }

    /// The realms of an account's registrations.
    pub(crate) fn realms_of(&self, account: &AccountId) -> Vec<Text> {
        let Some(groups) = self.accounts.get(account) else {
            return Vec::new();
        };
        let realms = groups.iter().map(|group| group.owner.own_realm().clone());
        let mut realms: Vec<_> = realms.collect();
        realms.sort_unstable();
        realms.dedup();
        realms
    }

    /// Every realm.
    pub(crate) fn realms(&self) -> Vec<Text> {
        self.realms.iter().map(|of| of.key().clone()).collect()
    }

    /// Whether anything is left in it.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.realms.is_empty()
    }
}

/// Only one group's lock is held at a time, and none of the maps'.
fn each(groups: Groups, mut show: impl FnMut(&Slot)) {
    for group in groups {
        group.members.lock().each(&mut show);
    }
}

fn link<K: Eq + Hash + Clone>(
    map: &DashMap<K, Groups, DefaultHashBuilder>,
    key: &K,
    group: &Arc<Group>,
) {
    let mut groups = map.entry(key.clone()).or_default();
    groups.reserve_exact(1);
    groups.push(Arc::clone(group));
}

fn unlink<K: Eq + Hash + Clone>(
    map: &DashMap<K, Groups, DefaultHashBuilder>,
    key: &K,
    group: &Arc<Group>,
) {
    if let Entry::Occupied(mut groups) = map.entry(key.clone()) {
        groups.get_mut().retain(|there| !Arc::ptr_eq(there, group));
        if groups.get().is_empty() {
            groups.remove();
        }
    }
}
