//! Which realms an account has: AMQP speaks of realms, HTTP of accounts.

use std::collections::HashMap;

use hashbrown::DefaultHashBuilder;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use registration::{AccountId, Registration, Text};

use crate::held::Held;

/// The most accounts that are remembered from registrations; those that nobody asks for go first.
const MAX_LEARNED: usize = 1_000_000;

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

/// Accounts' realms, as configured and as learned from registrations.
pub struct Accounts {
    configured: HashMap<AccountId, Vec<Text>>,
    learned: Cache<AccountId, Text, UnitWeighter, DefaultHashBuilder>,
}

impl Accounts {
    /// With a static map of realms by account.
    pub fn new(configured: HashMap<AccountId, Vec<String>>) -> Self {
        let fold = |realms: Vec<String>| {
            realms
                .iter()
                .map(|realm| Text::from(realm.to_ascii_lowercase()))
                .collect()
        };
        let configured = configured
            .into_iter()
            .map(|(account, realms)| (account, fold(realms)))
            .collect();
        let learned = Cache::with(
            MAX_LEARNED,
            MAX_LEARNED as u64,
            UnitWeighter,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        Self {
            configured,
            learned,
        }
    }

    /// Remembers what a registration says of its account.
    pub(crate) fn learn(&self, registration: &Registration) {
        let own = &registration.account;
        if let Some(account) = &own.id {
            self.learn_realm(account, own.realm.as_ref().unwrap_or(&registration.realm));
        }
    }

    /// Remembers that an account has a realm.
    pub(crate) fn learn_realm(&self, account: &AccountId, realm: &str) {
        if self
            .learned
            .get(account)
            .is_none_or(|known| !known.eq_ignore_ascii_case(realm))
        {
            self.learned
                .insert(*account, realm.to_ascii_lowercase().into());
        }
    }

    /// The realms of all accounts, lower-cased.
    pub(crate) fn realms(&self) -> Vec<Text> {
        let configured = self.configured.values().flatten().cloned();
        let learned = self.learned.iter().map(|(_, realm)| realm);
        configured.chain(learned).collect()
    }

    /// What belongs to an account, of which the caller may know a realm; `None` if nobody has said
    /// anything of it.
    pub fn scope(&self, account: &AccountId, realm: Option<&str>) -> Option<Scope> {
        let told: Option<Text> = realm.map(|realm| realm.to_ascii_lowercase().into());
        let mut realms = self.configured.get(account).cloned();
        for learned in told.into_iter().chain(self.learned.get(account)) {
            let realms = realms.get_or_insert_default();
            if !realms.contains(&learned) {
                realms.push(learned);
            }
        }
        realms.map(|realms| Scope {
            account: *account,
            realms,
        })
    }
}
