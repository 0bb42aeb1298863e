//! What the service and the demo have in common: the registrar, those that listen to its changes,
//! their periodic work, and the HTTP facade over them.

use std::{sync::Arc, time::Duration};

use amqp::AmqpBus;
use facade::{Facade, Summary, Throttle, ThrottleSettings, auth::Auth};
use registrar::{Accounts, Bus, ChangeListener, Feed, Registrar, Settings};
use registration::{Clock, SystemClock};

use crate::{
    lifecycle::Lifecycle,
    metrics::{self, Sources},
};

/// How many changes are kept for followers that come back.
pub const FEED_LENGTH: usize = 10_000;
/// How often the memory of what has expired is reclaimed.
const SWEEP_PERIOD: Duration = Duration::from_millis(250);
/// How often refreshes are summed up.
const SUMMARY_PERIOD: Duration = Duration::from_secs(1);
/// How often addresses that have gone quiet are forgotten.
const THROTTLE_PERIOD: Duration = Duration::from_mins(1);

/// The registrar and what listens to its changes.
pub(crate) struct Core {
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) clock: Arc<dyn Clock>,
    feed: Arc<Feed>,
    summary: Arc<Summary>,
}

/// Settings of the HTTP facade.
pub(crate) struct FacadeSettings {
    pub(crate) node: String,
    pub(crate) auth: Auth,
    pub(crate) echo_token: bool,
    pub(crate) throttle: ThrottleSettings,
}

impl Core {
    /// A registrar on this bus, with more listeners beside the usual ones.
    pub(crate) fn new(
        settings: Settings,
        accounts: Accounts,
        bus: Arc<dyn Bus>,
        mut listeners: Vec<ChangeListener>,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (feed, following) = Feed::new(FEED_LENGTH);
        let (summary, summing) = Summary::new(Arc::clone(&clock));
        listeners.extend([following, summing]);
        let registrar = Registrar::new(settings, accounts, bus, Arc::clone(&clock), listeners);
        Self {
            registrar: Arc::new(registrar),
            clock,
            feed,
            summary,
        }
    }

    /// Starts the periodic work, and ends followers at the shutdown: they would follow on for ever.
    pub(crate) fn start(&self, lifecycle: &Lifecycle) {
        lifecycle.run_until_stop("sweep", sweep(Arc::clone(&self.registrar)));
        let repeating = Arc::clone(&self.registrar);
        lifecycle.run_until_stop("repeat flushes", async move {
            repeating.flusher().repeat().await;
        });
        let (summing, registrar) = (Arc::clone(&self.summary), Arc::clone(&self.registrar));
        lifecycle.every(SUMMARY_PERIOD, "summary", move || {
            summing.refreshed(&registrar);
        });
        let feed = Arc::clone(&self.feed);
        lifecycle.on_shutdown(move || feed.close());
    }

    /// The HTTP facade, with its periodic work and everything that is measured.
    pub(crate) fn facade(
        self,
        lifecycle: &Lifecycle,
        settings: FacadeSettings,
        bus: Option<Arc<AmqpBus>>,
    ) -> Arc<Facade> {
        let metrics = metrics::metrics(Sources {
            registrar: Arc::clone(&self.registrar),
            bus,
            auth: settings.auth.cache(),
            clock: Arc::clone(&self.clock),
            node: settings.node.clone(),
        });
        let facade = Arc::new(Facade {
            registrar: self.registrar,
            auth: settings.auth,
            description: facade::description(),
            feed: self.feed,
            summary: self.summary,
            throttle: Arc::new(Throttle::new(settings.throttle)),
            clock: self.clock,
            metrics,
            node: settings.node,
            echo_token: settings.echo_token,
        });
        let sweeping = Arc::clone(&facade.throttle);
        lifecycle.every(THROTTLE_PERIOD, "throttle", move || sweeping.sweep());
        facade
    }
}

/// Reclaims the memory of what has expired, periodically; returns if that panics.
async fn sweep(registrar: Arc<Registrar>) {
    loop {
        tokio::time::sleep(SWEEP_PERIOD).await;
        let sweeping = Arc::clone(&registrar);
        // After a start from a snapshot it may take a while.
        if let Err(error) = tokio::task::spawn_blocking(move || sweeping.cache().sweep()).await {
            tracing::error!(%error, "sweeping panicked");
            return;
        }
    }
}
