//! The registrar: its parts put together, and what other crates call of them.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use kapi::Query;
use registration::{AccountId, Clock, UnixMillis, Zone};

use crate::{
    accounts::{Accounts, Scope},
    bus::{Bus, Publication},
    cache::{Cache, Capacity, ChangeListener, EntryRef},
    context::{Context, Settings},
    directory::Directory,
    flush::Flusher,
    health::{Health, LinkState},
    ingest::{Delivery, Ingest},
    metrics::{Metrics, RESTORED},
    notices::Notices,
    outcome::Outcome,
    query::{self, TooManyToAnswer},
    reconcile::{ReconcileSettings, Reconciler},
    sync::{
        RecoverySettings, Restored, Snapshot, SnapshotError, SyncError, Synced, Synchroniser,
        snapshot,
    },
};

/// The registrar.
pub struct Registrar {
    pub(crate) context: Arc<Context>,
    ingest: Ingest,
    flusher: Arc<Flusher>,
    synchroniser: Arc<Synchroniser>,
    pub(crate) reconciler: Reconciler,
}

impl Registrar {
    /// A registrar with an empty cache, and listeners that are told of every change.
    pub fn new(
        settings: Settings,
        accounts: Accounts,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        listeners: Vec<ChangeListener>,
    ) -> Self {
        let context = Arc::new(Context::new(settings, accounts, bus, clock, listeners));
        let flusher = Arc::new(Flusher::new(Arc::clone(&context)));
        Self {
            ingest: Ingest::new(Arc::clone(&context), Arc::clone(&flusher)),
            flusher,
            synchroniser: Arc::new(Synchroniser::new(Arc::clone(&context))),
            reconciler: Reconciler::new(Arc::clone(&context)),
            context,
        }
    }

    /// Takes a message, applies it and counts what became of it.
    pub fn deliver(&self, delivery: Delivery<'_>) -> Outcome {
        self.ingest.deliver(delivery)
    }

    /// Notes a change of a zone's connection. What was missed meanwhile has to be asked for.
    pub fn link(&self, zone: &Zone, state: LinkState) {
        self.context.link(zone, state);
    }

    /// Who is registered.
    pub fn cache(&self) -> &Cache {
        &self.context.cache
    }

    /// An account and its realms, of which the caller may know one; `None` if the account is not
    /// known.
    pub fn scope(&self, account: &AccountId, realm: Option<&str>) -> Option<Scope> {
        let said = self.context.cache.realm_of(account);
        self.context.accounts.scope(account, realm, said)
    }

    /// The live registrations of an account, in no order.
    pub fn list(&self, scope: &Scope) -> Vec<EntryRef> {
        let cache = &self.context.cache;
        cache.find(Some(&scope.account), &scope.realms)
    }

    /// The live registrations of an account that have a username, in any case.
    pub fn list_named(&self, scope: &Scope, username: &str) -> Vec<EntryRef> {
        let cache = &self.context.cache;
        cache.find_named(Some(&scope.account), &scope.realms, username)
    }

    /// How many live registrations an account has.
    pub fn count(&self, scope: &Scope) -> usize {
        let cache = &self.context.cache;
        cache.count(Some(&scope.account), &scope.realms)
    }

    /// The answer to a question, addressed to the asker. Goes through the whole table if all
    /// registrations are asked for.
    pub fn answer(&self, query: &Query) -> Result<Publication, TooManyToAnswer> {
        query::answer(&self.context, query)
    }

    /// The part that flushes registrations.
    pub fn flusher(&self) -> &Flusher {
        &self.flusher
    }

    /// Synchronises each zone whose connection comes up. Never ends.
    pub async fn recover(&self, settings: RecoverySettings) {
        self.synchroniser.run(settings).await;
    }

    /// Asks the proxies and the other registrars of every connected zone for what they have; returns
    /// when they have answered, or their time is up. Reconciliation follows.
    pub async fn resync(&self) -> Result<Synced, SyncError> {
        self.synchroniser.resync().await
    }

    /// Asks the proxies who is registered, round by round. Never ends.
    pub async fn reconcile(&self, settings: ReconcileSettings) {
        self.reconciler.run(settings).await;
    }

    /// Asks the directory for what events did not say. Never ends.
    pub fn identify(&self, directory: Directory) -> impl Future<Output = ()> + use<> {
        directory.run(Arc::clone(&self.context))
    }

    /// Sends notices of changes. Never ends.
    pub fn notify(&self, notices: Notices) -> impl Future<Output = ()> + use<> {
        notices.run(Arc::clone(&self.context))
    }

    /// Writes a snapshot of the table. Returns how many registrations it holds.
    pub fn write_snapshot(&self, out: impl Write) -> io::Result<u64> {
        snapshot::write(&self.context.cache, out)
    }

    /// Takes in a snapshot, if all of it is sound.
    pub fn restore(&self, input: impl Read) -> Result<Restored, SnapshotError> {
        let cache = &self.context.cache;
        let restored = Snapshot::read(cache, input)?.insert(cache);
        self.context.metrics.add(RESTORED, restored.taken_in);
        Ok(restored)
    }

    /// The state of the brokers' connections and of synchronisation.
    pub fn health(&self) -> &Health {
        &self.context.health
    }

    /// Counts and timings since the start.
    pub fn metrics(&self) -> &Metrics {
        &self.context.metrics
    }

    /// The id under which this process receives answers.
    pub fn server_id(&self) -> &str {
        self.context.settings.identity.server_id()
    }

    /// When it began.
    pub fn born(&self) -> UnixMillis {
        self.context.born
    }

    /// How many registrations there may be.
    pub fn capacity(&self) -> Capacity {
        self.context.settings.capacity
    }
}

#[cfg(test)]
#[path = "registrar_tests.rs"]
mod tests;
