//! Which realms an account has: AMQP speaks of realms, HTTP of accounts.

use std::collections::HashMap;

use registration::{AccountId, Text};

use crate::cache::EntryRef;

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
    pub fn has(&self, held: &EntryRef) -> bool {
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
