//! The registrar's service: events in, answers and flushes out.

use std::{
    hash::BuildHasher as _,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use kapi::{Event, Flush, Identity, Limits, Scan, Sender, decode};
use registration::{
    Clock, Decision, Lifetime, Origin, Policy, Report, Stored, UnixMillis, UnixSeconds, Zone,
};
use tokio::sync::Notify;

use crate::{
    accounts::Accounts,
    bus::Bus,
    capacity::Capacity,
    changes::{Change, ChangeKind, Watcher, Watchers},
    coalesce::Coalesce,
    delivery::Delivery,
    echoes::Echoes,
    flush,
    health::{Health, LinkState},
    meter::Meter,
    outcome::{CLOCK_AHEAD, Outcome, Stats},
    questions::Questions,
    reconcile::Young,
    recovery::Replay,
    repeats::Repeats,
    slot::Fingerprint,
    table::{Applied, Hearing, OnExpired, Table},
};

/// Bounds on answers to our own questions: another registrar's is one message, however much it has.
const ANSWER_LIMITS: Limits = Limits {
    max_body_bytes: 64 << 20,
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
    /// Bounds on the table.
    pub capacity: Capacity,
    /// Who we are to other nodes.
    pub identity: Identity,
    /// By how many seconds an event may be ahead of our clock before it is counted. Whatever is
    /// ahead of it is held to it.
    pub max_clock_skew: u32,
    /// Whether a phone whose username is flushed is told to register anew, as Crossbar does.
    pub check_sync: bool,
}

impl Settings {
    /// As configured where nothing is configured.
    pub fn new(identity: Identity) -> Self {
        Self {
            policy: Policy::default(),
            limits: Limits::default(),
            capacity: Capacity::default(),
            identity,
            max_clock_skew: 60,
            check_sync: true,
        }
    }
}

/// The registrar.
pub struct Registrar {
    pub(crate) table: Table,
    pub(crate) watchers: Watchers,
    pub(crate) accounts: Accounts,
    pub(crate) settings: Settings,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) stats: Stats,
    pub(crate) meter: Meter,
    pub(crate) clock: Arc<dyn Clock>,
    born: UnixMillis,
    pub(crate) repeats: Repeats,
    pub(crate) coalesce: Coalesce,
    pub(crate) echoes: Echoes,
    pub(crate) questions: Questions,
    pub(crate) replay: Replay,
    pub(crate) health: Health,
    /// One at a time: an operator's order to ask everybody anew.
    pub(crate) asking: tokio::sync::Mutex<()>,
    /// Something may have been missed.
    pub(crate) gap: Notify,
    /// What proxies contradict, and will be asked for again.
    pub(crate) young: Young,
    /// Whoever is registered is in the table: as [`Health::is_complete`] says.
    complete: AtomicBool,
    /// Nobody outside can make two messages that have the same.
    fingerprints: foldhash::quality::RandomState,
}

/// What a scan of a message has told, should it have to be parsed.
struct Seen<'a> {
    scan: Scan<'a>,
    fingerprint: Fingerprint,
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
            telling.tell_with(|| Some(Change::gone(ChangeKind::Expired, ended.clone())));
        });
        let questions = Questions::new(Arc::clone(&bus), settings.identity.clone());
        Self {
            born: clock.now(),
            table: Table::new(Arc::clone(&clock), settings.capacity, on_expired),
            watchers,
            accounts,
            settings,
            bus,
            stats: Stats::default(),
            meter: Meter::default(),
            clock,
            complete: AtomicBool::new(false),
            fingerprints: foldhash::quality::RandomState::default(),
            repeats: Repeats::default(),
            coalesce: Coalesce::default(),
            echoes: Echoes::default(),
            questions,
            replay: Replay::default(),
            health: Health::default(),
            asking: tokio::sync::Mutex::default(),
            gap: Notify::new(),
            young: Young::default(),
        }
    }

    /// Takes a message, applies it and counts what became of it.
    pub fn deliver(&self, delivery: Delivery<'_>) -> Outcome {
        let begun = Meter::begin();
        let outcome = match self.refresh(delivery, begun.is_some()) {
            ControlFlow::Break(outcome) => outcome,
            ControlFlow::Continue(seen) => self.read(delivery, seen, begun.is_some()),
        };
        self.stats.count(&outcome);
        if let Some(begun) = begun {
            self.meter.applied(begun);
        }
        outcome
    }

    fn read(&self, delivery: Delivery<'_>, seen: Option<Seen<'_>>, measured: bool) -> Outcome {
        let limits = if delivery.targeted {
            ANSWER_LIMITS
        } else {
            self.settings.limits
        };
        match decode(delivery.body, limits) {
            Ok(Event::Registration(mut report)) => {
                let seen = seen.filter(|seen| seen.scan.is_of(&report));
                let fingerprint = seen.map_or(0, |seen| seen.fingerprint);
                self.date(&mut report, delivery.targeted, measured);
                self.apply(&report, delivery, fingerprint)
            }
            Ok(Event::Flush(flush, sender)) => self.flushed(&flush, &sender, delivery.zone),
            Ok(Event::Query(query)) if *query.reply_to == *self.server_id() => Outcome::OwnQuestion,
            Ok(Event::Query(query)) => Outcome::Asked(query),
            // Only what was sent to us alone can be an answer to us.
            Ok(Event::Reply(_)) if !delivery.targeted => Outcome::Other,
            Ok(Event::Reply(reply)) => {
                if self.questions.answered(delivery.zone, *reply) {
                    Outcome::Answered
                } else {
                    Outcome::LateAnswer
                }
            }
            Ok(Event::Other) => Outcome::Other,
            Err(reject) => Outcome::Rejected(reject),
        }
    }

    /// Takes a message that says the same as the phone's last one, which most do: it need not even be
    /// read. What was seen of any other, unless nothing was.
    fn refresh<'a>(
        &self,
        delivery: Delivery<'a>,
        measured: bool,
    ) -> ControlFlow<Outcome, Option<Seen<'a>>> {
        let body = delivery.body;
        let may_be = !delivery.targeted
            && !delivery.redelivered
            && body.len() <= self.settings.limits.max_body_bytes;
        let scan = may_be.then(|| Scan::of(body, &self.fingerprints));
        let Some(scan) = scan.flatten() else {
            return ControlFlow::Continue(None);
        };
        let approach = self.table.approach(scan.username, scan.realm);
        approach.advance();
        let told = (scan.fingerprint, delivery.zone.as_str());
        let fingerprint = self.fingerprints.hash_one(told).max(1);
        let (time, padding) = (scan.time, self.settings.policy.expires_deviation);
        let wants = || self.watchers.want_refreshes();
        let Ok(refreshed) = approach.refresh(time, fingerprint, padding, wants) else {
            return ControlFlow::Continue(Some(Seen { scan, fingerprint }));
        };
        if measured {
            let now = self.clock.now();
            self.meter
                .heard_after(now.0.saturating_sub(time.millis().0));
        }
        if let Some(refreshed) = refreshed {
            self.watchers.tell_refresh(refreshed);
        }
        ControlFlow::Break(Outcome::Stored(Stored::Refreshed))
    }

    /// Sees to it that a report's kind and time can be believed.
    fn date(&self, report: &mut Report, targeted: bool, measured: bool) {
        let now = self.clock.now();
        let ahead = report.time.0.saturating_sub(now.seconds().0);
        if ahead > u64::from(self.settings.max_clock_skew) {
            self.stats.add(CLOCK_AHEAD, 1);
        }
        if report.origin == Origin::Statement && !targeted {
            // Only who was asked can state; any other tells what happened.
            report.origin = Origin::Event;
        }
        if measured && report.origin == Origin::Event {
            let happened = report.time.millis();
            self.meter.heard_after(now.0.saturating_sub(happened.0));
        }
        if let (Origin::Statement, Lifetime::Seconds(seconds)) = (report.origin, report.lifetime) {
            // It is read from the proxy's database, which is behind.
            report.time = UnixSeconds(report.time.0.saturating_sub(u64::from(DATABASE_LAG)));
            report.lifetime = Lifetime::Seconds(seconds.saturating_add(DATABASE_LAG));
            self.replay.heard();
        }
    }

    pub(crate) fn apply(
        &self,
        report: &Report,
        delivery: Delivery<'_>,
        fingerprint: u64,
    ) -> Outcome {
        let _span = tracing::debug_span!("cache").entered();
        let hearing = self.hearing(delivery, fingerprint);
        self.done(&self.table.apply(report, hearing), report)
    }

    /// What a report that was delivered so is judged by.
    pub(crate) fn hearing<'a>(&'a self, delivery: Delivery<'a>, fingerprint: u64) -> Hearing<'a> {
        Hearing {
            zone: delivery.zone,
            policy: &self.settings.policy,
            redelivered: delivery.redelivered,
            complete: self.complete.load(Ordering::Relaxed),
            fingerprint,
        }
    }

    /// Tells whoever has to know what has become of a report.
    pub(crate) fn done(&self, applied: &Applied, report: &Report) -> Outcome {
        self.watchers.tell_with(|| Change::told(applied, report));
        match applied.decision {
            Decision::Store(_, stored) => Outcome::Stored(stored),
            Decision::Remove(removal) => Outcome::Removed(removal),
            Decision::Ignore(ignored) => Outcome::Ignored(ignored),
        }
    }

    fn flushed(&self, flush: &Flush, sender: &Sender, zone: &Zone) -> Outcome {
        if sender.server_id.as_deref() == Some(self.settings.identity.server_id()) {
            // Done when it was confirmed; phones may have come back since.
            for aor in self.echoes.heard(flush, zone) {
                self.table.reopen(&aor);
            }
            return Outcome::OwnFlush;
        }
        if flush.cache_only {
            return Outcome::CredentialFlush;
        }
        let forgotten = flush::forget(flush, &self.table);
        self.tell_flushed(&forgotten);
        Outcome::Flushed(forgotten.len())
    }

    /// For how many seconds this has been up.
    pub(crate) fn age(&self) -> u64 {
        self.clock.now().0.saturating_sub(self.born.0) / 1000
    }

    /// Notes a change of a zone's connection. What was missed meanwhile has to be asked for.
    pub fn link(&self, zone: &Zone, state: LinkState) {
        self.health.link(zone, state, self.clock.now());
        self.weigh();
    }

    /// Sees whether the table is complete.
    pub(crate) fn weigh(&self) {
        self.complete
            .store(self.health.is_complete(), Ordering::Relaxed);
    }

    /// How the brokers' links and the table stand.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Where answers to this process go.
    pub fn server_id(&self) -> &str {
        self.settings.identity.server_id()
    }

    /// How often each outcome was seen.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What is measured beside that.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// When it began.
    pub fn born(&self) -> UnixMillis {
        self.born
    }

    /// How many registrations there may be.
    pub fn capacity(&self) -> Capacity {
        self.settings.capacity
    }

    /// Reclaims the memory of what has expired; to be called about once a second.
    pub fn sweep(&self) {
        self.table.sweep();
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod refresh_tests;
