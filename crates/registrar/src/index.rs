//! Which AORs an account or a realm has, so that no question scans the table.

use std::{collections::HashMap, hash::Hash};

use dashmap::{DashMap, Entry};
use registration::{AccountId, Aor, Registration, Text};

/// Tells one stay of an AOR in the table from the next, so that the late word of an expiry never
/// takes a newer registration out of the index.
pub(crate) type Generation = u64;

type Members = HashMap<Aor, Generation>;

/// Where a registration stands in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    account: Option<AccountId>,
    realm: Box<str>,
    account_realm: Option<Box<str>>,
}

impl Keys {
    pub(crate) fn of(registration: &Registration) -> Self {
        let realm = fold(&registration.realm);
        let account_realm = registration.account.realm.as_deref().map(fold);
        Self {
            account: registration.account.id.clone(),
            account_realm: account_realm.filter(|account_realm| *account_realm != realm),
            realm,
        }
    }
}

fn fold(realm: &str) -> Box<str> {
    realm.to_ascii_lowercase().into_boxed_str()
}

/// AORs by account and by realm. Realms are folded to lower case.
#[derive(Debug, Default)]
pub(crate) struct Index {
    accounts: DashMap<AccountId, Members>,
    realms: DashMap<Box<str>, Members>,
}

impl Index {
    /// Enters an AOR under its keys.
    pub(crate) fn insert(&self, keys: &Keys, aor: &Aor, generation: Generation) {
        if let Some(account) = &keys.account {
            self.accounts
                .entry(account.clone())
                .or_default()
                .insert(aor.clone(), generation);
        }
        for realm in [Some(&keys.realm), keys.account_realm.as_ref()]
            .into_iter()
            .flatten()
        {
            self.realms
                .entry(realm.clone())
                .or_default()
                .insert(aor.clone(), generation);
        }
    }

    /// Takes an AOR out from under its keys, if it is still of this generation there.
    pub(crate) fn remove(&self, keys: &Keys, aor: &Aor, generation: Generation) {
        if let Some(account) = &keys.account {
            remove_member(&self.accounts, account, aor, generation);
        }
        for realm in [Some(&keys.realm), keys.account_realm.as_ref()]
            .into_iter()
            .flatten()
        {
            remove_member(&self.realms, realm, aor, generation);
        }
    }

    /// The AORs of an account.
    pub(crate) fn of_account(&self, account: &AccountId) -> Vec<Aor> {
        self.accounts
            .get(account)
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The AORs of a realm, in any case.
    pub(crate) fn of_realm(&self, realm: &str) -> Vec<Aor> {
        self.realms
            .get(&*fold(realm))
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// How many there are of the same account; of the same realm, where there is no account.
    pub(crate) fn peers_of(&self, keys: &Keys) -> usize {
        match &keys.account {
            Some(account) => self
                .accounts
                .get(account)
                .map_or(0, |members| members.len()),
            None => self
                .realms
                .get(&keys.realm)
                .map_or(0, |members| members.len()),
        }
    }

    /// Every realm.
    pub(crate) fn realms(&self) -> Vec<Text> {
        self.realms
            .iter()
            .map(|entry| Text::from(&**entry.key()))
            .collect()
    }

    /// Whether anything is left in it.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.realms.is_empty()
    }
}

fn remove_member<K: Eq + Hash + Clone>(
    map: &DashMap<K, Members>,
    key: &K,
    aor: &Aor,
    generation: Generation,
) {
    if let Entry::Occupied(mut members) = map.entry(key.clone()) {
        if members.get().get(aor) == Some(&generation) {
            members.get_mut().remove(aor);
        }
        // An empty set left behind for every realm ever seen would grow without bound.
        if members.get().is_empty() {
            members.remove();
        }
    }
}
