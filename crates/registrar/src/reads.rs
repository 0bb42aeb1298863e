//! Who is registered, as this node knows it.

use std::sync::Arc;

use kapi::{Answer, Query, TARGETED_EXCHANGE, encode_answer};
use registration::{AccountId, Aor, Registration};

use crate::{Registrar, accounts::Scope, bus::Publication, held::Held, table::Mark};

/// The most registrations that one answer to another node may have.
pub const MAX_ANSWERED: usize = 200_000;

/// The answer to a question would have more than [`MAX_ANSWERED`] registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_ANSWERED} registrations")]
pub struct TooManyToAnswer;

impl Registrar {
    /// What belongs to an account, whose realm the caller may know; `None` if the account is not
    /// known.
    pub fn scope(&self, account: &AccountId, realm: Option<&str>) -> Option<Scope> {
        let said = self.table.realm_of(account);
        self.accounts.scope(account, realm, said)
    }

    /// The live registrations of an account, in no order.
    pub fn list(&self, scope: &Scope) -> Vec<Held> {
        self.table.find(Some(&scope.account), &scope.realms)
    }

    /// The same, and what tells [`Registrar::lists_still`] whether it still is.
    pub fn list_marked(&self, scope: &Scope) -> (Vec<Held>, Mark) {
        self.table.find_marked(Some(&scope.account), &scope.realms)
    }

    /// Whether [`Registrar::list`] would list the same as when this was marked, in the same order and
    /// unchanged. Takes far less than listing it; may say no where it would.
    pub fn lists_still(&self, scope: &Scope, mark: &Mark) -> bool {
        self.table
            .is_as_marked(Some(&scope.account), &scope.realms, mark)
    }

    /// The live registrations of a realm, or whose account has it, or of all realms; those of a
    /// username, in any case, or all. In no order. Goes through the whole table if no realm is given.
    pub fn of(&self, realm: Option<&str>, username: Option<&str>) -> Vec<Held> {
        match (realm, username) {
            (Some(realm), username) => self.table.find_in(realm, username),
            (None, None) => self.all(),
            (None, Some(username)) => {
                let mut all = self.all();
                all.retain(|held| held.username().eq_ignore_ascii_case(username));
                all
            }
        }
    }

    /// How many live registrations there are of a realm, or whose account has it, or of all realms.
    /// Goes through the whole table if no realm is given.
    pub fn count_of(&self, realm: Option<&str>) -> usize {
        realm.map_or_else(|| self.len(), |realm| self.table.count(None, &[realm]))
    }

    /// The live registrations of a realm, or whose account has it, in no order.
    pub fn of_realm(&self, realm: &str) -> Vec<Held> {
        self.table.find_in(realm, None)
    }

    /// How many registrations there are, those that have ended but are not reclaimed yet (within two
    /// seconds) included; a look at a counter.
    pub fn total(&self) -> usize {
        self.table.held()
    }

    /// How many live registrations there are. Goes through the whole table.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The live registrations of an account that have a username, in any case.
    pub fn list_named(&self, scope: &Scope, username: &str) -> Vec<Held> {
        self.table
            .find_named(Some(&scope.account), &scope.realms, username)
    }

    /// How many live registrations an account has.
    pub fn count(&self, scope: &Scope) -> usize {
        self.table.count(Some(&scope.account), &scope.realms)
    }

    /// The live registration of an AOR.
    pub fn get(&self, aor: &Aor) -> Option<Arc<Registration>> {
        self.table.get(aor)
    }

    /// Every live registration, in no order. Goes through the whole table.
    pub fn all(&self) -> Vec<Held> {
        self.table.all()
    }

    /// The answer to a question, addressed to who asked. Goes through the whole table if all realms
    /// are asked for, but answers with no more than [`MAX_ANSWERED`]: no broker would take it.
    pub fn answer(&self, query: &Query) -> Result<Publication, TooManyToAnswer> {
        let (realm, username) = (query.realm.as_deref(), query.username.as_deref());
        let answer = match (query.count_only, username) {
            (true, None) => Answer::Count(self.count_of(realm)),
            (true, Some(_)) => Answer::Count(self.of(realm, username).len()),
            (false, _) => {
                let found = self.of(realm, username);
                if found.len() > MAX_ANSWERED {
                    return Err(TooManyToAnswer);
                }
                Answer::Registrations(found.into_iter().map(|held| held.registration()))
            }
        };
        let body = encode_answer(query, answer, self.age(), &self.settings.identity);
        Ok(Publication {
            zone: None,
            exchange: TARGETED_EXCHANGE,
            routing_key: query.reply_to.to_string(),
            body,
            mandatory: false,
        })
    }
}
