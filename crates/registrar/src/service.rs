//! The registrar's service: events in, answers and flushes out.

use std::sync::Arc;

use kapi::{
    Answer, Event, Flush, Identity, Limits, Query, Sender, TARGETED_EXCHANGE, decode, encode_answer,
};
use registration::{AccountId, Aor, Clock, Decision, Policy, Registration, UnixMillis, Zone};

use crate::{
    accounts::{Accounts, Scope},
    bus::{Bus, Publication},
    flush::{self, FlushError, Flushed},
    outcome::{Outcome, Stats},
    table::Table,
};

/// What the service goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules' settings.
    pub policy: Policy,
    /// Bounds on message bodies.
    pub limits: Limits,
    /// Who we are to other nodes.
    pub identity: Identity,
}

/// The registrar.
pub struct Registrar {
    table: Table,
    accounts: Accounts,
    settings: Settings,
    bus: Arc<dyn Bus>,
    stats: Stats,
    clock: Arc<dyn Clock>,
    born: UnixMillis,
}

impl Registrar {
    /// A registrar with an empty table.
    pub fn new(
        settings: Settings,
        accounts: Accounts,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            born: clock.now(),
            table: Table::new(Arc::clone(&clock)),
            accounts,
            settings,
            bus,
            stats: Stats::default(),
            clock,
        }
    }

    /// Takes a message body that was delivered in `zone`, applies it and counts what became of it.
    pub fn deliver(&self, zone: &Zone, body: &[u8]) -> Outcome {
        let outcome = match decode(body, self.settings.limits) {
            Ok(Event::Registration(report)) => {
                self.applied(self.table.apply(&report, zone, &self.settings.policy))
            }
            Ok(Event::Flush(flush, sender)) => self.flushed(&flush, &sender),
            Ok(Event::Query(query)) => Outcome::Asked(query),
            Ok(Event::Other) => Outcome::Other,
            Err(reject) => Outcome::Rejected(reject),
        };
        self.stats.count(&outcome);
        outcome
    }

    fn applied(&self, decision: Decision) -> Outcome {
        match decision {
            Decision::Store(registration, stored) => {
                self.accounts.learn(&registration);
                Outcome::Stored(stored)
            }
            Decision::Remove(removal) => Outcome::Removed(removal),
            Decision::Ignore(ignored) => Outcome::Ignored(ignored),
        }
    }

    fn flushed(&self, flush: &Flush, sender: &Sender) -> Outcome {
        if sender.server_id.as_deref() == Some(self.settings.identity.server_id()) {
            // Done when it was confirmed; phones may have come back since.
            return Outcome::OwnFlush;
        }
        if flush.cache_only {
            return Outcome::CredentialFlush;
        }
        Outcome::Flushed(flush::forget(flush, &self.table))
    }

    /// The answer to a question, addressed to who asked. Goes through the whole table if all realms
    /// are asked for.
    pub fn answer(&self, query: &Query) -> Publication {
        let mut registrations = match &query.realm {
            Some(realm) => self.table.select(None, &[&**realm]),
            None => self.table.all(),
        };
        if let Some(username) = &query.username {
            registrations.retain(|r| r.username.eq_ignore_ascii_case(username));
        }
        let answer = if query.count_only {
            Answer::Count(registrations.len())
        } else {
            Answer::Registrations(registrations)
        };
        let age = self.clock.now().0.saturating_sub(self.born.0) / 1000;
        Publication {
            exchange: TARGETED_EXCHANGE,
            routing_key: query.reply_to.to_string(),
            body: encode_answer(query, &answer, age, &self.settings.identity),
        }
    }

    /// What belongs to an account; `None` if the account is not known.
    pub fn scope(&self, account: &AccountId) -> Option<Scope> {
        self.accounts.scope(account)
    }

    /// The live registrations of an account, by username, then realm.
    pub fn list(&self, scope: &Scope) -> Vec<Arc<Registration>> {
        let mut registrations = self.table.select(Some(&scope.account), &scope.realms);
        registrations.sort_by(|a, b| (&a.username, &a.realm).cmp(&(&b.username, &b.realm)));
        registrations
    }

    /// The live registrations of a realm, or whose account has it, in no order.
    pub fn of_realm(&self, realm: &str) -> Vec<Arc<Registration>> {
        self.table.select(None, &[realm])
    }

    /// How many live registrations an account has.
    pub fn count(&self, scope: &Scope) -> usize {
        self.table.select(Some(&scope.account), &scope.realms).len()
    }

    /// Flushes every registration of an account.
    pub async fn flush_account(&self, scope: &Scope) -> Result<Flushed, FlushError> {
        let registrations = self.table.select(Some(&scope.account), &scope.realms);
        self.carry_out(&flush::targets_of_account(scope, &registrations))
            .await
    }

    /// Flushes a username of an account. With `force` also one that the table does not know.
    pub async fn flush_username(
        &self,
        scope: &Scope,
        username: &str,
        force: bool,
    ) -> Result<Flushed, FlushError> {
        flush::check("username", username)?;
        let registrations = self.table.select(Some(&scope.account), &scope.realms);
        let named = registrations
            .iter()
            .filter(|r| r.username.eq_ignore_ascii_case(username));
        let mut targets = flush::targets_by_name(named.map(AsRef::as_ref));
        if targets.is_empty() {
            if !force {
                return Err(FlushError::NotRegistered(username.to_owned()));
            }
            targets = flush::targets_by_force(scope, username);
        }
        self.carry_out(&targets).await
    }

    async fn carry_out(&self, targets: &[Flush]) -> Result<Flushed, FlushError> {
        flush::carry_out(targets, &self.table, &*self.bus, &self.settings.identity).await
    }

    /// The live registration of an AOR.
    pub fn get(&self, aor: &Aor) -> Option<Arc<Registration>> {
        self.table.get(aor)
    }

    /// Where answers to this process go.
    pub fn server_id(&self) -> &str {
        self.settings.identity.server_id()
    }

    /// How often each outcome was seen.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Reclaims the memory of what has expired; to be called about once a second.
    pub fn sweep(&self) {
        self.table.sweep();
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
