//! The realms of accounts that have had phones.

use moka::{policy::EvictionPolicy, sync::Cache};
use registration::{AccountId, Text};

/// The most accounts that are known though none of their phones is registered. Those that are not
/// asked for go first.
const MOST: u64 = 1_000_000;

/// Realms of accounts, lower-cased.
pub(super) struct KnownRealms(Cache<AccountId, Text>);

impl Default for KnownRealms {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MOST);
        Self(cache.eviction_policy(EvictionPolicy::lru()).build())
    }
}

impl KnownRealms {
    /// Notes an account's realm.
    pub(super) fn insert(&self, account: AccountId, realm: &Text) {
        self.0.insert(account, realm.clone());
    }

    /// The realm of an account.
    pub(super) fn realm_of(&self, account: &AccountId) -> Option<Text> {
        self.0.get(account)
    }

    /// All realms; a realm may come twice.
    pub(super) fn realms(&self) -> Vec<Text> {
        self.0.iter().map(|(_, realm)| realm).collect()
    }
}
