//! Which realms an account has: AMQP speaks of realms, HTTP of accounts.

use std::collections::HashMap;

use hashbrown::DefaultHashBuilder;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use registration::{AccountId, Text};

use crate::held::Held;

/// Everything that belongs to an account: registrations with its id or of one of its realms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// Its realms, lower-cased, without repetition.
    pub realms: Vec<Text>,
}

impl Scope {
    /// Whether a registration belongs to it.
    pub fn has(&self, held: &Held) -> bool {
        held.account() == Some(&self.account)
            || self.realms.iter().any(|realm| held.is_of_realm(realm))
    }
}

/// Accounts' realms, as configured.
pub struct Accounts(HashMap<AccountId, Vec<Text>>);

impl Accounts {
    /// With a static map of realms by account.
    pub fn new(configured: HashMap<AccountId, Vec<String>>) -> Self {
        let fold = |realms: Vec<String>| {
            realms
                .iter()
                .map(|realm| Text::from(realm.to_ascii_lowercase()))
                .collect()
        };
        let configured = configured.into_iter();
        Self(
            configured
                .map(|(account, realms)| (account, fold(realms)))
                .collect(),
        )
    }

    /// The realms of all of them, lower-cased.
    pub(crate) fn realms(&self) -> impl Iterator<Item = Text> {
        self.0.values().flatten().cloned()
    }

    /// What belongs to an account, of which the caller may know a realm, and its phones have said
    /// one, lower-cased; `None` if nobody has said anything of it.
    pub(crate) fn scope(
        &self,
        account: &AccountId,
        told: Option<&str>,
        said: Option<Text>,
    ) -> Option<Scope> {
        let told: Option<Text> = told.map(|realm| realm.to_ascii_lowercase().into());
        let mut realms = self.0.get(account).cloned();
        for realm in told.into_iter().chain(said) {
            let realms = realms.get_or_insert_default();
            if !realms.contains(&realm) {
                realms.push(realm);
            }
        }
        realms.map(|realms| Scope {
            account: *account,
            realms,
        })
    }
}

/// The most accounts that are remembered without anybody registered.
const MAX_FORMER: usize = 1_000_000;

/// The realms of accounts that have had somebody registered, who may be here no more. Those that
/// nobody asks for go first.
pub(crate) struct Former(Cache<AccountId, Text, UnitWeighter, DefaultHashBuilder>);

impl Default for Former {
    fn default() -> Self {
        Self(Cache::with(
            MAX_FORMER,
            MAX_FORMER as u64,
            UnitWeighter,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ))
    }
}

impl Former {
    /// Remembers an account's realm, lower-cased.
    pub(crate) fn remember(&self, account: AccountId, realm: &Text) {
        self.0.insert(account, realm.clone());
    }

    pub(crate) fn realm_of(&self, account: &AccountId) -> Option<Text> {
        self.0.get(account)
    }

    /// All their realms, lower-cased.
    pub(crate) fn realms(&self) -> Vec<Text> {
        self.0.iter().map(|(_, realm)| realm).collect()
    }
}
