//! What the parts of the registrar share: the table, the bus, the clock, and who is told of changes.
//!
//! Every change of the table that a part makes goes through here, so that its listeners are told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use kapi::{Identity, Limits};
use registration::{Aor, Clock, Policy, Registration, Report, UnixMillis, Zone};
use tokio::sync::Notify;

use crate::{
    accounts::Accounts,
    bus::{Bus, Questions},
    capacity::Capacity,
    changes::{Change, ChangeKind, ChangeListener, Listeners},
    health::{Health, LinkState},
    held::Held,
    metrics::Metrics,
    outcome::Outcome,
    table::{Applied, Hearing, OnExpired, Table},
};

/// The registrar's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules' settings.
    pub policy: Policy,
    /// Bounds on message bodies.
    pub limits: Limits,
    /// Bounds on the table.
    pub capacity: Capacity,
    /// This node, as others see it.
    pub identity: Identity,
    /// The zones that registrations are counted by.
    pub zones: Vec<Zone>,
    /// By how many seconds an event may be ahead of our clock before it is counted. An event that is
    /// ahead of our clock is dated back to it.
    pub max_clock_skew: u32,
    /// Whether a phone whose username is flushed is told to register again, as Crossbar does.
    pub check_sync: bool,
}

impl Settings {
    /// The defaults.
    pub fn new(identity: Identity) -> Self {
        Self {
            policy: Policy::default(),
            limits: Limits::default(),
            capacity: Capacity::default(),
            identity,
            zones: Vec::new(),
            max_clock_skew: 60,
            check_sync: true,
        }
    }
}

/// What the parts of the registrar share.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) accounts: Accounts,
    pub(crate) table: Table,
    pub(crate) listeners: Listeners,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) questions: Questions,
    pub(crate) health: Health,
    pub(crate) metrics: Arc<Metrics>,
    /// Notified when something may have been missed.
    pub(crate) gap: Notify,
    /// When the process began.
    pub(crate) born: UnixMillis,
    /// Whether every registration there is is in the table, as [`Health::is_complete`] says.
    complete: AtomicBool,
}

impl Context {
    pub(crate) fn new(
        settings: Settings,
        accounts: Accounts,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        mut listeners: Vec<ChangeListener>,
    ) -> Self {
        let metrics = Arc::new(Metrics::new(&settings.zones));
        let counting = Arc::clone(&metrics);
        listeners.push(ChangeListener::of_many(move |changes| {
            counting.note(changes);
        }));
        let listeners = Listeners::new(listeners);
        let telling = listeners.clone();
        let on_expired: OnExpired = Arc::new(move |ended| {
            telling.tell_with(|| Some(Change::gone(ChangeKind::Expired, ended.clone())));
        });
        Self {
            born: clock.now(),
            table: Table::new(Arc::clone(&clock), settings.capacity, on_expired),
            questions: Questions::new(Arc::clone(&bus), settings.identity.clone()),
            settings,
            accounts,
            listeners,
            bus,
            clock,
            health: Health::default(),
            metrics,
            gap: Notify::new(),
            complete: AtomicBool::new(false),
        }
    }

    /// The circumstances that a report is judged by.
    pub(crate) fn hearing<'a>(
        &'a self,
        zone: &'a Zone,
        redelivered: bool,
        fingerprint: u64,
    ) -> Hearing<'a> {
        Hearing {
            zone,
            policy: &self.settings.policy,
            redelivered,
            complete: self.complete.load(Ordering::Relaxed),
            fingerprint,
        }
    }

    /// Judges a report and does as decided.
    pub(crate) fn apply(&self, report: &Report, hearing: Hearing<'_>) -> Outcome {
        let _span = tracing::debug_span!("cache").entered();
        self.tell_applied(&self.table.apply(report, hearing), report)
    }

    /// Has a proxy's report take the place of a registration that `is_still` there, even if that is
    /// newer.
    pub(crate) fn override_with(
        &self,
        report: &Report,
        zone: &Zone,
        is_still: impl FnOnce(&Registration) -> bool,
    ) -> Outcome {
        let hearing = self.hearing(zone, false, 0);
        self.tell_applied(&self.table.concede(report, hearing, is_still), report)
    }

    fn tell_applied(&self, applied: &Applied, report: &Report) -> Outcome {
        self.listeners.tell_with(|| Change::told(applied, report));
        Outcome::from(&applied.decision)
    }

    /// Takes in a registration as another registrar stored it. False if what is known is as new.
    pub(crate) fn merge(&self, registration: &Registration) -> bool {
        let change = Change::of(&self.table.merge(registration));
        let is_news = change.is_some();
        self.listeners.tell_with(|| change);
        is_news
    }

    /// Removes the registration of `held` if what stands there now `is_it`.
    pub(crate) fn take_out(
        &self,
        held: &Held,
        kind: ChangeKind,
        is_it: impl FnOnce(&Held) -> bool,
    ) -> Option<Held> {
        let gone = self.table.take_out(&held.username(), held.realm(), is_it)?;
        self.listeners
            .tell_with(|| Some(Change::gone(kind, gone.clone())));
        Some(gone)
    }

    /// Puts what `amended` makes of a registration into its place. False if it makes nothing.
    pub(crate) fn identify(
        &self,
        aor: &Aor,
        is_first: bool,
        amended: impl Fn(&Registration) -> Option<Registration>,
    ) -> bool {
        let Some((before, after)) = self.table.amend(aor, amended) else {
            return false;
        };
        self.listeners.tell_with(|| {
            Some(Change {
                kind: ChangeKind::Identified,
                before: Some(before),
                after: Some(after),
                is_first,
                suppress_unregister_notify: None,
            })
        });
        true
    }

    /// For how many seconds this process has been up.
    pub(crate) fn age(&self) -> u64 {
        self.clock.now().0.saturating_sub(self.born.0) / 1000
    }

    /// Notes a change of a zone's connection: what was missed meanwhile has to be asked for.
    pub(crate) fn link(&self, zone: &Zone, state: LinkState) {
        self.health.link(zone, state, self.clock.now());
        self.update_sync_state();
    }

    /// Notes whether the table is complete.
    pub(crate) fn update_sync_state(&self) {
        self.complete
            .store(self.health.is_complete(), Ordering::Relaxed);
    }
}
