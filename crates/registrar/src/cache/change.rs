//! Changes of the cache, numbered, and the listeners that are told of them.

use std::sync::Arc;

use parking_lot::Mutex;
use registration::{Decision, Origin, Removal, Report, Stored};

use super::entry::EntryRef;

/// What happened to a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// There was none.
    Registered,
    /// The same contact again.
    Refreshed,
    /// Another contact.
    Moved,
    /// The phone unregistered.
    Unregistered,
    /// It was not refreshed in time.
    Expired,
    /// A flush ended it.
    Flushed,
    /// The directory told its account.
    Identified,
    /// Its proxy does not hold it.
    Vanished,
    /// A snapshot held it: it is there, but that is no news.
    Restored,
}

/// One change of one AOR's registration.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place in the order of changes, from 1.
    pub number: u64,
    /// What kind of change.
    pub kind: ChangeKind,
    /// The registration before it.
    pub before: Option<EntryRef>,
    /// The registration after it.
    pub after: Option<EntryRef>,
    /// Whether a phone's event says that the binding is a new one.
    pub is_first: bool,
    /// Whether the end goes unannounced, as the event that ended it says.
    pub suppress_unregister_notify: Option<bool>,
}

impl Change {
    pub(super) fn new(kind: ChangeKind, before: Option<EntryRef>, after: Option<EntryRef>) -> Self {
        Self {
            number: 0,
            kind,
            before,
            after,
            is_first: false,
            suppress_unregister_notify: None,
        }
    }

    /// What the report that caused it says of it.
    pub(super) fn caused_by(mut self, report: Option<&Report>) -> Self {
        if let Some(report) = report {
            self.is_first = report.origin == Origin::Event && report.first == Some(true);
            self.suppress_unregister_notify = report.suppress_unregister_notify;
        }
        self
    }
}

impl ChangeKind {
    /// What a decision does to a registration, if it does anything.
    pub(super) fn of(decision: &Decision) -> Option<Self> {
        match decision {
            Decision::Store(_, Stored::Registered) => Some(Self::Registered),
            Decision::Store(_, Stored::Refreshed) => Some(Self::Refreshed),
            Decision::Store(_, Stored::Moved) => Some(Self::Moved),
            Decision::Remove(Removal::Unregistered) => Some(Self::Unregistered),
            Decision::Remove(Removal::Expired) => Some(Self::Expired),
            Decision::Ignore(_) => None,
        }
    }
}

/// Told of changes in their order, one at a time, while the AOR is locked: it has to be quick, and must
/// not call the registrar.
#[derive(Clone)]
pub struct ChangeListener {
    listen: Arc<dyn Fn(&Change) + Send + Sync>,
    wants_refreshes: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl ChangeListener {
    /// Told of every change but refreshes that repeat the last message.
    pub fn new(listen: impl Fn(&Change) + Send + Sync + 'static) -> Self {
        Self::with_refreshes(listen, || false)
    }

    /// Told of every change; of refreshes that repeat the last message only as long as it wants them.
    pub fn with_refreshes(
        listen: impl Fn(&Change) + Send + Sync + 'static,
        wants: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            listen: Arc::new(listen),
            wants_refreshes: Arc::new(wants),
        }
    }
}

/// Numbers changes and delivers them.
pub(super) struct ChangeLog {
    listeners: Vec<ChangeListener>,
    /// The number of the last change. Held while it is delivered, so that order is kept.
    last: Mutex<u64>,
}

impl ChangeLog {
    pub(super) fn new(listeners: Vec<ChangeListener>) -> Self {
        Self {
            listeners,
            last: Mutex::new(0),
        }
    }

    /// Numbers a change and tells it to all. The caller holds the AOR's lock.
    pub(super) fn record(&self, change: impl FnOnce() -> Change) {
        self.deliver(change, |_| true);
    }

    /// The same for a refresh that repeats the last message.
    pub(super) fn record_refresh(&self, change: impl FnOnce() -> Change) {
        if self.listeners.iter().any(|one| (one.wants_refreshes)()) {
            self.deliver(change, |listener| (listener.wants_refreshes)());
        }
    }

    fn deliver(&self, change: impl FnOnce() -> Change, wants: impl Fn(&ChangeListener) -> bool) {
        if self.listeners.is_empty() {
            return;
        }
        let mut last = self.last.lock();
        *last += 1;
        let change = Change {
            number: *last,
            ..change()
        };
        for listener in self.listeners.iter().filter(|listener| wants(listener)) {
            (listener.listen)(&change);
        }
    }
}
