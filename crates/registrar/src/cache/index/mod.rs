//! Entries by account and by realm, so that lists and counts never scan the cache.
//!
//! There is no map by AOR here: the moka cache finds those. Entries of one account in one realm are a
//! [`Group`]; accounts and realms have groups, so that an entry stands in one place.

mod group;
mod known_realms;

use std::{hash::Hash, sync::Arc};

use dashmap::{DashMap, Entry as Slot};
use foldhash::quality::RandomState;
use registration::{AccountId, Text, UnixMillis};

use self::{group::Group, known_realms::KnownRealms};
use super::entry::{AccountFields, Entry};

type Groups = Vec<Arc<Group>>;

/// The groups of each account and realm. Realms are lower-cased.
#[derive(Default)]
pub(in crate::cache) struct Index {
    /// The newest group last.
    accounts: DashMap<AccountId, Groups, RandomState>,
    /// By the phones' realm, and by the account's realm where that is another. A group begins and
    /// ends under the lock of its phones' realm.
    realms: DashMap<Text, Groups, RandomState>,
    known: KnownRealms,
}

impl Index {
    /// Adds an entry.
    pub(in crate::cache) fn insert(&self, entry: &Arc<Entry>) {
        let fields = entry.account();
        let insert = |groups: &Groups| {
            let group = groups.iter().find(|group| group.is_of(fields));
            group.inspect(|group| group.insert(entry)).is_some()
        };
        // Mostly the group is there: then the map is not locked for writing.
        let known = self.realms.get(&*fields.folded_realm);
        if known.is_some_and(|groups| insert(&groups)) {
            return;
        }
        let mut groups = self.realms.entry(fields.folded_realm.clone()).or_default();
        if insert(&groups) {
            return;
        }
        let group = Arc::new(Group::new(entry));
        groups.push(Arc::clone(&group));
        drop(groups);
        if let Some(account) = fields.id {
            self.accounts
                .entry(account)
                .or_default()
                .push(Arc::clone(&group));
        }
        if let Some(realm) = &fields.folded_account_realm {
            self.realms.entry(realm.clone()).or_default().push(group);
        }
    }

    /// Puts `new` in the place of `old`. Where their keys are equal this is one step for readers, else
    /// both are found for a moment.
    pub(in crate::cache) fn replace(&self, old: &Arc<Entry>, new: &Arc<Entry>) {
        let fields = old.account();
        if fields.has_keys_of(new.account()) {
            let groups = self.realms.get(&*fields.folded_realm);
            let replaced = groups.is_some_and(|groups| {
                let group = groups.iter().find(|group| group.is_of(fields));
                group.is_some_and(|group| group.replace(old, new))
            });
            if replaced {
                return;
            }
        }
        self.insert(new);
        self.remove(old);
    }

    /// Removes this very entry.
    pub(in crate::cache) fn remove(&self, entry: &Arc<Entry>) {
        let fields = entry.account();
        let Some(group) = self.leave(entry) else {
            return;
        };
        if let Some(account) = fields.id {
            // Known before its last group goes, so that it is known throughout.
            self.known.insert(account, fields.own_realm());
            unlink(&self.accounts, &account, &group);
        }
        if let Some(realm) = &fields.folded_account_realm {
            unlink(&self.realms, realm, &group);
        }
    }

    /// Removes an entry from its group; returns the group if that was its last entry.
    fn leave(&self, entry: &Arc<Entry>) -> Option<Arc<Group>> {
        let fields = entry.account();
        let Slot::Occupied(mut slot) = self.realms.entry(fields.folded_realm.clone()) else {
            return None;
        };
        let groups = slot.get_mut();
        let at = groups.iter().position(|group| group.is_of(fields))?;
        if !groups.get(at)?.remove(entry) {
            return None;
        }
        let group = groups.swap_remove(at);
        if groups.is_empty() {
            slot.remove();
        }
        Some(group)
    }

    /// The groups of an account, if one is given, then those of realms (in any case) that are not of
    /// the account. A group that several realms find comes once.
    pub(in crate::cache) fn groups(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
    ) -> Groups {
        let mut found = account
            .and_then(|account| self.accounts.get(account))
            .map_or_else(Groups::new, |groups| groups.clone());
        for realm in realms {
            let realm = realm.as_ref();
            let groups = if realm.bytes().any(|byte| byte.is_ascii_uppercase()) {
                self.realms.get(&*realm.to_ascii_lowercase())
            } else {
                self.realms.get(realm)
            };
            for group in groups.iter().flat_map(|groups| groups.iter()) {
                let is_own = account.is_some() && group.fields().id.as_ref() == account;
                if !is_own && !found.iter().any(|known| Arc::ptr_eq(known, group)) {
                    found.push(Arc::clone(group));
                }
            }
        }
        found
    }

    /// All groups.
    pub(in crate::cache) fn all_groups(&self) -> Groups {
        let mut all = Groups::new();
        for groups in &self.realms {
            // A group is found by its account's realm too.
            let own = groups
                .iter()
                .filter(|group| group.fields().folded_realm == *groups.key());
            all.extend(own.cloned());
        }
        all
    }

    /// How many entries live.
    pub(in crate::cache) fn len(&self, now: UnixMillis) -> usize {
        self.all_groups().iter().map(|group| group.count(now)).sum()
    }

    /// How many entries there are of the same account; of the same realm, where no account is known.
    pub(in crate::cache) fn peers_of(&self, fields: &AccountFields) -> usize {
        let sum = |groups: &Groups| groups.iter().map(|group| group.len()).sum();
        match &fields.id {
            Some(account) => self.accounts.get(account).map_or(0, |groups| sum(&groups)),
            None => (self.realms.get(&*fields.folded_realm)).map_or(0, |groups| sum(&groups)),
        }
    }

    /// The realm of an account, lower-cased: that of its newest group, or the last that it had.
    pub(in crate::cache) fn realm_of(&self, account: &AccountId) -> Option<Text> {
        let groups = self.accounts.get(account);
        let newest = groups.as_ref().and_then(|groups| groups.last());
        let newest = newest.map(|group| group.fields().own_realm().clone());
        newest.or_else(|| self.known.realm_of(account))
    }

    /// Notes whose realm it is, though nobody need be registered.
    pub(in crate::cache) fn note_realm(&self, fields: &AccountFields) {
        if let Some(account) = fields.id {
            self.known.insert(account, fields.own_realm());
        }
    }

    /// Every realm that has entries or is known, lower-cased, without order; a realm may come twice.
    pub(in crate::cache) fn realms(&self) -> Vec<Text> {
        let mut realms: Vec<Text> = self.realms.iter().map(|of| of.key().clone()).collect();
        realms.extend(self.known.realms());
        realms
    }
}

fn unlink<K: Eq + Hash + Clone>(
    map: &DashMap<K, Groups, RandomState>,
    key: &K,
    group: &Arc<Group>,
) {
    if let Slot::Occupied(mut slot) = map.entry(key.clone()) {
        slot.get_mut().retain(|known| !Arc::ptr_eq(known, group));
        if slot.get().is_empty() {
            slot.remove();
        }
    }
}
