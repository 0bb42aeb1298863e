//! The registrar's service: events in, answers and flushes out.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use kapi::{
    Answer, Event, Flush, Identity, Limits, Query, Sender, TARGETED_EXCHANGE, decode, encode_answer,
};
use registration::{
    AccountId, Aor, Clock, Decision, Lifetime, Origin, Policy, Registration, Report, UnixMillis,
    UnixSeconds, Zone,
};

use crate::{
    accounts::{Accounts, Scope},
    bus::{Bus, Publication},
    changes::{Change, ChangeKind, Watcher, Watchers},
    delivery::Delivery,
    flush::{self, FlushError, Flushed},
    outcome::{CLOCK_AHEAD, Outcome, Stats},
    repeats::Repeats,
    table::{Hearing, OnExpired, Table},
};

/// By how many seconds a proxy's database may be behind its memory: it is written every five.
const DATABASE_LAG: u32 = 10;

/// What the service goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules' settings.
    pub policy: Policy,
    /// Bounds on message bodies.
    pub limits: Limits,
    /// Who we are to other nodes.
    pub identity: Identity,
    /// By how many seconds an event may be ahead of our clock before it is counted. Whatever is
    /// ahead of it is held to it.
    pub max_clock_skew: u32,
}

impl Settings {
    /// As configured where nothing is configured.
    pub fn new(identity: Identity) -> Self {
        Self {
            policy: Policy::default(),
            limits: Limits::default(),
            identity,
            max_clock_skew: 60,
        }
    }
}

/// The registrar.
pub struct Registrar {
    table: Table,
    watchers: Watchers,
    accounts: Accounts,
    settings: Settings,
    bus: Arc<dyn Bus>,
    stats: Stats,
    clock: Arc<dyn Clock>,
    born: UnixMillis,
    repeats: Repeats,
    /// Whoever is registered is in the table.
    complete: AtomicBool,
}

impl Registrar {
    /// A registrar with an empty table.
    pub fn new(
        settings: Settings,
        accounts: Accounts,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::watched(settings, accounts, bus, clock, Vec::new())
    }

    /// The same with watchers, who are told of every change.
    pub fn watched(
        settings: Settings,
        accounts: Accounts,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        watchers: Vec<Watcher>,
    ) -> Self {
        let watchers = Watchers::new(watchers);
        let telling = watchers.clone();
        let on_expired: OnExpired = Arc::new(move |ended| {
            telling.tell_with(|| Some(Change::gone(ChangeKind::Expired, ended)));
        });
        Self {
            born: clock.now(),
            table: Table::new(Arc::clone(&clock), on_expired),
            watchers,
            accounts,
            settings,
            bus,
            stats: Stats::default(),
            clock,
            complete: AtomicBool::new(false),
            repeats: Repeats::default(),
        }
    }

    /// Takes a message, applies it and counts what became of it.
    pub fn deliver(&self, delivery: Delivery<'_>) -> Outcome {
        let outcome = match decode(delivery.body, self.settings.limits) {
            Ok(Event::Registration(mut report)) => {
                self.date(&mut report, delivery.targeted);
                self.apply(&report, delivery.zone, delivery.redelivered)
            }
            Ok(Event::Flush(flush, sender)) => self.flushed(&flush, &sender),
            Ok(Event::Query(query)) => Outcome::Asked(query),
            Ok(Event::Other) => Outcome::Other,
            Err(reject) => Outcome::Rejected(reject),
        };
        self.stats.count(&outcome);
        outcome
    }

    /// Sees to it that a report's kind and time can be believed.
    fn date(&self, report: &mut Report, targeted: bool) {
        let ahead = report.time.0.saturating_sub(self.clock.now().seconds().0);
        if ahead > u64::from(self.settings.max_clock_skew) {
            self.stats.add(CLOCK_AHEAD, 1);
        }
        if report.origin == Origin::Statement && !targeted {
            // Only who was asked can state; any other tells what happened.
            report.origin = Origin::Event;
        }
        if let (Origin::Statement, Lifetime::Seconds(seconds)) = (report.origin, report.lifetime) {
            // It is read from the proxy's database, which is behind.
            report.time = UnixSeconds(report.time.0.saturating_sub(u64::from(DATABASE_LAG)));
            report.lifetime = Lifetime::Seconds(seconds.saturating_add(DATABASE_LAG));
        }
    }

    fn apply(&self, report: &Report, zone: &Zone, redelivered: bool) -> Outcome {
        let hearing = Hearing {
            zone,
            policy: &self.settings.policy,
            redelivered,
            complete: self.complete.load(Ordering::Relaxed),
        };
        let applied = self.table.apply(report, hearing);
        self.watchers.tell_with(|| Change::of(&applied));
        match applied.decision {
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
        let forgotten = flush::forget(flush, &self.table);
        self.tell_gone(ChangeKind::Flushed, &forgotten);
        Outcome::Flushed(forgotten.len())
    }

    fn tell_gone(&self, kind: ChangeKind, registrations: &[Arc<Registration>]) {
        for gone in registrations {
            self.watchers.tell_with(|| Some(Change::gone(kind, gone)));
        }
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
            zone: None,
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
        let mut forgotten = Vec::new();
        let identity = &self.settings.identity;
        let done =
            flush::carry_out(targets, &self.table, &*self.bus, identity, &mut forgotten).await;
        self.tell_gone(ChangeKind::Flushed, &forgotten);
        let repeated = self.repeats.take_up(&forgotten, self.clock.now());
        done.map(|missing| Flushed {
            forgotten: forgotten.len(),
            repeated,
            missing,
        })
    }

    /// Flushes again, once the proxies can find them, what was too young when it was flushed. Runs
    /// for as long as the registrar is there.
    pub async fn repeat_flushes(&self) {
        while let Some(aor) = self.repeats.next(&*self.clock).await {
            // Whoever is back has registered since: that is another registration.
            if self.table.get(&aor).is_some() {
                continue;
            }
            let flush = flush::of_aor(&aor);
            let publication = flush::publication(&flush, &self.settings.identity);
            let receipt = self.bus.publish(&publication).await;
            for (zone, reason) in receipt.missing {
                tracing::warn!(%zone, reason, %aor, "a flush could not be repeated");
            }
        }
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
