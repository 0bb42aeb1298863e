//! The table: one registration per AOR, each with its own end, on moka.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{Expiry, notification::RemovalCause, ops::compute::Op, sync::Cache};
use registration::{
    AccountId, Aor, Clock, Decision, Policy, Registration, Report, UnixMillis, Zone, decide,
};

use crate::index::{Generation, Index, Keys};

/// What moka holds for an AOR.
#[derive(Debug)]
struct Entry {
    registration: Arc<Registration>,
    generation: Generation,
}

/// Tells moka when to reclaim an entry. What readers see is decided by our own clock: moka's
/// deadline only frees the memory.
struct EndOfLife(Arc<dyn Clock>);

impl EndOfLife {
    fn left(&self, entry: &Entry) -> Duration {
        let left = entry
            .registration
            .expires_at()
            .0
            .saturating_sub(self.0.now().0);
        Duration::from_millis(left)
    }
}

impl Expiry<Aor, Arc<Entry>> for EndOfLife {
    fn expire_after_create(&self, _: &Aor, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(self.left(entry))
    }

    // moka's default keeps the old deadline; a refresh has a new one.
    fn expire_after_update(
        &self,
        _: &Aor,
        entry: &Arc<Entry>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.left(entry))
    }
}

/// Who is registered, by AOR, account and realm.
pub struct Table {
    cache: Cache<Aor, Arc<Entry>>,
    index: Arc<Index>,
    clock: Arc<dyn Clock>,
    generations: AtomicU64,
}

impl Table {
    /// An empty table.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let index = Arc::new(Index::default());
        let listening = Arc::clone(&index);
        let cache = Cache::builder()
            .expire_after(EndOfLife(Arc::clone(&clock)))
            .eviction_listener(move |aor: Arc<Aor>, entry: Arc<Entry>, cause| {
                // Replacing and removing keep the index themselves, under the key's lock.
                if matches!(cause, RemovalCause::Expired | RemovalCause::Size) {
                    listening.remove(&Keys::of(&entry.registration), &aor, entry.generation);
                }
            })
            .build();
        Self {
            cache,
            index,
            clock,
            generations: AtomicU64::new(0),
        }
    }

    /// Judges a report against what is there and does as decided, as one step per AOR.
    pub fn apply(&self, report: &Report, zone: &Zone, policy: &Policy) -> Decision {
        let aor = Aor::new(&report.username, &report.realm);
        let now = self.clock.now();
        let mut decision = None;
        self.cache.entry_by_ref(&aor).and_compute_with(|held| {
            let held = held.map(moka::Entry::into_value);
            let live = held
                .as_deref()
                .filter(|held| held.registration.is_live(now));
            let decided = decide(
                live.map(|live| &*live.registration),
                report,
                zone,
                policy,
                now,
            );
            let op = match &decided {
                Decision::Store(registration, _) => Op::Put(self.enter(
                    &aor,
                    held.as_deref(),
                    live.is_some(),
                    registration.as_ref().clone(),
                )),
                Decision::Remove(_) => {
                    self.leave(&aor, held.as_deref());
                    Op::Remove
                }
                Decision::Ignore(_) => Op::Nop,
            };
            decision = Some(decided);
            op
        });
        decision.unwrap_or(Decision::Ignore(registration::Ignored::NotRegistered))
    }

    /// Prepares the entry to put, with the index as it will then be. Runs under the key's lock.
    fn enter(
        &self,
        aor: &Aor,
        held: Option<&Entry>,
        live: bool,
        registration: Registration,
    ) -> Arc<Entry> {
        let registration = Arc::new(registration);
        let keys = Keys::of(&registration);
        if let Some(held) = held {
            let old = Keys::of(&held.registration);
            if live && old == keys {
                return Arc::new(Entry {
                    registration,
                    generation: held.generation,
                });
            }
            self.index.remove(&old, aor, held.generation);
        }
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        self.index.insert(&keys, aor, generation);
        Arc::new(Entry {
            registration,
            generation,
        })
    }

    fn leave(&self, aor: &Aor, held: Option<&Entry>) {
        if let Some(held) = held {
            self.index
                .remove(&Keys::of(&held.registration), aor, held.generation);
        }
    }

    /// Takes the AOR's registration out if it is one that `wanted` names. Returns it if it was live.
    pub fn remove_if(
        &self,
        aor: &Aor,
        wanted: impl Fn(&Registration) -> bool,
    ) -> Option<Arc<Registration>> {
        let mut removed = None;
        self.cache.entry_by_ref(aor).and_compute_with(|held| {
            let Some(held) = held.map(moka::Entry::into_value) else {
                return Op::Nop;
            };
            if !wanted(&held.registration) {
                return Op::Nop;
            }
            self.leave(aor, Some(&held));
            removed = Some(Arc::clone(&held.registration));
            Op::Remove
        });
        removed.filter(|removed| removed.is_live(self.clock.now()))
    }

    /// The live registration of an AOR.
    pub fn get(&self, aor: &Aor) -> Option<Arc<Registration>> {
        self.live(aor, self.clock.now())
    }

    fn live(&self, aor: &Aor, now: UnixMillis) -> Option<Arc<Registration>> {
        let entry = self.cache.get(aor)?;
        entry
            .registration
            .is_live(now)
            .then(|| Arc::clone(&entry.registration))
    }

    /// The live registrations of an account and of realms, each once, in no order.
    pub fn select(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
    ) -> Vec<Arc<Registration>> {
        let now = self.clock.now();
        let mut aors = account
            .map(|account| self.index.of_account(account))
            .unwrap_or_default();
        for realm in realms {
            aors.extend(self.index.of_realm(realm.as_ref()));
        }
        aors.sort_unstable();
        aors.dedup();
        aors.iter().filter_map(|aor| self.live(aor, now)).collect()
    }

    /// Every live registration, in no order. Goes through the whole table.
    pub fn all(&self) -> Vec<Arc<Registration>> {
        let now = self.clock.now();
        let entries = self
            .cache
            .iter()
            .map(|(_, entry)| Arc::clone(&entry.registration));
        entries
            .filter(|registration| registration.is_live(now))
            .collect()
    }

    /// Reclaims what has expired. Nothing dead is ever shown without it, but memory waits for it.
    pub fn sweep(&self) {
        self.cache.run_pending_tasks();
    }

    /// About how many registrations are held, those not yet reclaimed included.
    pub fn approximate_len(&self) -> u64 {
        self.cache.entry_count()
    }

    #[cfg(test)]
    pub(crate) fn index_is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
