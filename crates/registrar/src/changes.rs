//! What happened to the table, told to whoever wants to know.

use std::sync::Arc;

use registration::{Decision, Origin, Removal, Report, Stored};

use crate::{
    held::Held,
    table::{Applied, Refreshed},
};

/// Why a registration is there, is another, or is there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// There was none.
    Registered,
    /// The same contact again.
    Refreshed,
    /// Another contact.
    Moved,
    /// The phone said so.
    Unregistered,
    /// Its time was up.
    Expired,
    /// By order.
    Flushed,
    /// The directory told whose it is.
    Identified,
    /// No proxy knew of it any more.
    Vanished,
}

/// One change of one AOR's registration.
#[derive(Clone, Debug)]
pub struct Change {
    /// What kind of change.
    pub kind: ChangeKind,
    /// What was there.
    pub before: Option<Held>,
    /// What is there now.
    pub after: Option<Held>,
    /// Whether a phone's event says that the binding is a new one.
    pub is_first: bool,
    /// Whether the end goes unannounced, as the event that ended it says.
    pub suppress_unregister_notify: Option<bool>,
}

impl Change {
    /// A registration that is gone.
    pub(crate) fn gone(kind: ChangeKind, before: Held) -> Self {
        Self {
            kind,
            before: Some(before),
            after: None,
            is_first: false,
            suppress_unregister_notify: None,
        }
    }

    /// What a judgement changed, if it changed anything.
    pub(crate) fn of(applied: &Applied) -> Option<Self> {
        let kind = match &applied.decision {
            Decision::Store(_, Stored::Registered) => ChangeKind::Registered,
            Decision::Store(_, Stored::Refreshed) => ChangeKind::Refreshed,
            Decision::Store(_, Stored::Moved) => ChangeKind::Moved,
            Decision::Remove(Removal::Unregistered) => ChangeKind::Unregistered,
            Decision::Remove(Removal::Expired) => ChangeKind::Expired,
            Decision::Ignore(_) => return None,
        };
        Some(Self {
            kind,
            before: applied.before.clone(),
            after: applied.after.clone(),
            is_first: false,
            suppress_unregister_notify: None,
        })
    }

    /// A registration that a snapshot held.
    pub(crate) fn restored(held: Held) -> Self {
        Self {
            kind: ChangeKind::Registered,
            before: None,
            after: Some(held),
            is_first: false,
            suppress_unregister_notify: None,
        }
    }

    /// The same of a report.
    pub(crate) fn told(applied: &Applied, report: &Report) -> Option<Self> {
        Some(Self {
            is_first: report.origin == Origin::Event && report.first == Some(true),
            suppress_unregister_notify: report.suppress_unregister_notify,
            ..Self::of(applied)?
        })
    }
}

type Tell = dyn Fn(&[Change]) + Send + Sync;

/// Told of every change, after it is made, by whoever made it: has to be quick, and must not come
/// back to the registrar.
#[derive(Clone)]
pub struct ChangeListener {
    tell: Arc<Tell>,
    wants_refreshes: Arc<dyn Fn() -> bool + Send + Sync>,
    wants_restored: bool,
}

impl ChangeListener {
    /// Told of everything, but not that a phone has said the same again.
    pub fn new(tell: impl Fn(&Change) + Send + Sync + 'static) -> Self {
        Self::of_many(move |changes| changes.iter().for_each(&tell))
    }

    /// The same, told of changes together where many are made at once.
    pub fn of_many(tell: impl Fn(&[Change]) + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
            wants_refreshes: Arc::new(|| false),
            wants_restored: true,
        }
    }

    /// Told of everything, of refreshes as long as it wants to be.
    pub fn of_refreshes(
        tell: impl Fn(&Change) + Send + Sync + 'static,
        wants: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            wants_refreshes: Arc::new(wants),
            ..Self::new(tell)
        }
    }

    /// Not told of what a snapshot held.
    #[must_use]
    pub fn of_news(mut self) -> Self {
        self.wants_restored = false;
        self
    }

    fn tell(&self, change: &Change) {
        (self.tell)(std::slice::from_ref(change));
    }
}

/// All listeners.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<[ChangeListener]>);

impl Listeners {
    pub(crate) fn new(listeners: Vec<ChangeListener>) -> Self {
        Self(listeners.into())
    }

    pub(crate) fn tell(&self, change: &Change) {
        self.0.iter().for_each(|listener| listener.tell(change));
    }

    fn wanting_refreshes(&self) -> impl Iterator<Item = &ChangeListener> {
        self.0
            .iter()
            .filter(|listener| (listener.wants_refreshes)())
    }

    /// Whether anybody wants to know that a phone has said the same again.
    pub(crate) fn want_refreshes(&self) -> bool {
        self.wanting_refreshes().next().is_some()
    }

    /// Tells that a phone has said the same again.
    pub(crate) fn tell_refresh(&self, refreshed: Refreshed) {
        let change = Change {
            kind: ChangeKind::Refreshed,
            before: Some(refreshed.before),
            after: Some(refreshed.after),
            is_first: false,
            suppress_unregister_notify: None,
        };
        let wanting = self.wanting_refreshes();
        wanting.for_each(|listener| listener.tell(&change));
    }

    /// Tells what registrations a snapshot held.
    pub(crate) fn tell_restored(&self, changes: &[Change]) {
        let wanting = self.0.iter().filter(|listener| listener.wants_restored);
        wanting.for_each(|listener| (listener.tell)(changes));
    }

    /// Tells what `change` makes; nothing is made where nobody listens.
    pub(crate) fn tell_with(&self, change: impl FnOnce() -> Option<Change>) {
        if !self.0.is_empty()
            && let Some(change) = change()
        {
            self.tell(&change);
        }
    }
}
