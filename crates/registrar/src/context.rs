//! What the parts of the registrar share: the cache, the bus, the clock, settings, metrics.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use kapi::{Identity, Limits};
use registration::{Clock, Policy, Report, UnixMillis, Zone};
use tokio::sync::Notify;

use crate::{
    accounts::Accounts,
    bus::{Bus, Publication, Questions, Receipt},
    cache::{Cache, Capacity, ChangeKind, ChangeListener, EntryRef, ReportContext},
    health::{Health, LinkState},
    metrics::Metrics,
    outcome::Outcome,
    sync::Replay,
};

/// The registrar's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules' settings.
    pub policy: Policy,
    /// Bounds on message bodies.
    pub limits: Limits,
    /// Bounds on the cache.
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
    pub(crate) cache: Cache,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) questions: Questions,
    pub(crate) health: Health,
    pub(crate) replay: Replay,
    pub(crate) metrics: Arc<Metrics>,
    /// Notified when something may have been missed.
    pub(crate) gap: Notify,
    /// When the process began.
    pub(crate) born: UnixMillis,
    /// Whether the cache holds every registration, as [`Health::is_complete`] says.
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
        listeners.push(ChangeListener::new(move |change| counting.note(change)));
        Self {
            born: clock.now(),
            cache: Cache::new(Arc::clone(&clock), settings.capacity, listeners),
            questions: Questions::default(),
            settings,
            accounts,
            bus,
            clock,
            health: Health::default(),
            replay: Replay::default(),
            metrics,
            gap: Notify::new(),
            complete: AtomicBool::new(false),
        }
    }

    /// How a report was heard.
    pub(crate) fn heard<'a>(
        &'a self,
        zone: &'a Zone,
        redelivered: bool,
        fingerprint: u64,
    ) -> ReportContext<'a> {
        ReportContext {
            zone,
            policy: &self.settings.policy,
            redelivered,
            complete: self.complete.load(Ordering::Relaxed),
            fingerprint,
        }
    }

    /// Judges a report and does as decided.
    pub(crate) fn apply(&self, report: &Report, heard: ReportContext<'_>) -> Outcome {
        let _span = tracing::debug_span!("cache").entered();
        Outcome::from(&self.cache.apply(report, heard))
    }

    /// Ends a registration that has not changed since it was found. Returns it.
    pub(crate) fn take_out(&self, found: &EntryRef, kind: ChangeKind) -> Option<EntryRef> {
        let is_unchanged = |now: &EntryRef| found.is_unchanged_in(now);
        self.cache.take_out(&found.aor(), kind, is_unchanged)
    }

    /// Publishes a message to these zones, whether or not some queue takes it there.
    pub(crate) async fn publish(
        &self,
        zone: Option<&Zone>,
        exchange: &'static str,
        routing_key: impl Into<String>,
        body: Vec<u8>,
    ) -> Receipt {
        let publication = Publication::new(zone, exchange, routing_key, body);
        self.bus.publish(&publication).await
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

    /// Notes whether the cache is complete.
    pub(crate) fn update_sync_state(&self) {
        self.complete
            .store(self.health.is_complete(), Ordering::Relaxed);
    }
}
