//! The cache of live registrations: moka holds them, the index finds them by account and realm.
//!
//! Each change to an AOR is one step under the AOR's lock; within it moka, then the index, then the
//! change log are brought along. Our clock decides who is registered, to the millisecond: readers
//! filter by it. moka decides when memory goes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use dashmap::DashMap;
use foldhash::quality::RandomState;
use moka::{Expiry, notification::RemovalCause, sync};
use parking_lot::MutexGuard;
use registration::{Aor, Clock, UnixMillis};

use super::{
    capacity::{Capacity, Load},
    change::{Change, ChangeKind, ChangeListener, ChangeLog},
    ended::EndedCache,
    entry::{AccountFields, Entry, EntryRef, Interner, ProxyFields},
    index::Index,
    locks::AorLocks,
};

/// moka's clock and ours differ by some milliseconds: by this much moka keeps an entry longer.
const SLACK: Duration = Duration::from_millis(20);
/// A deadline that is off by less is not moved.
const TOLERANCE: Duration = Duration::from_secs(1);
/// Sweeps between two that look for shared fields that are no longer used.
const SWEEPS_PER_CLEANING: usize = 240;

/// Who is registered, and who was a short time ago.
pub struct Cache {
    pub(super) live: sync::Cache<Aor, Arc<Entry>, RandomState>,
    pub(super) ended: EndedCache,
    pub(super) index: Index,
    displaced: Arc<Displaced>,
    locks: AorLocks,
    accounts: Interner<AccountFields>,
    proxies: Interner<ProxyFields>,
    pub(super) changes: ChangeLog,
    pub(super) load: Load,
    pub(super) capacity: Capacity,
    pub(super) clock: Arc<dyn Clock>,
    sweeps: AtomicUsize,
}

/// Entries that moka has let go, because they expired or because another took their place, and that
/// the index still has. One AOR has at most one: its next insertion takes it out, or a sweep.
type Displaced = DashMap<Aor, Arc<Entry>, RandomState>;

/// An entry's own end is its deadline.
struct UntilEnd(Arc<dyn Clock>);

impl UntilEnd {
    fn left(&self, entry: &Entry) -> Duration {
        let left = entry.end().0.saturating_sub(self.0.now().0);
        Duration::from_millis(left) + SLACK
    }
}

/// Always `Some`: moka has had memory errors with `None`.
impl Expiry<Aor, Arc<Entry>> for UntilEnd {
    fn expire_after_create(&self, _: &Aor, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(self.left(entry))
    }

    fn expire_after_update(
        &self,
        _: &Aor,
        entry: &Arc<Entry>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.left(entry))
    }

    /// A refresh moves the end within the entry; the read after it tells moka.
    fn expire_after_read(
        &self,
        _: &Aor,
        entry: &Arc<Entry>,
        _: Instant,
        known: Option<Duration>,
        _: Instant,
    ) -> Option<Duration> {
        let left = self.left(entry);
        known
            .filter(|known| known.abs_diff(left) < TOLERANCE)
            .or(Some(left))
    }
}

/// An AOR that is locked, and the time since when.
pub(super) struct LockedAor<'a> {
    pub(super) now: UnixMillis,
    _lock: MutexGuard<'a, ()>,
}

impl Cache {
    /// An empty cache.
    pub fn new(clock: Arc<dyn Clock>, capacity: Capacity, listeners: Vec<ChangeListener>) -> Self {
        let displaced = Arc::<Displaced>::default();
        let displacing = Arc::clone(&displaced);
        let live = sync::Cache::builder()
            .expire_after(UntilEnd(Arc::clone(&clock)))
            // Called under moka's lock of the key: it must not come back to moka, nor panic.
            .eviction_listener(move |aor, entry, cause| {
                if matches!(cause, RemovalCause::Expired | RemovalCause::Replaced) {
                    displacing.insert(Aor::clone(&aor), entry);
                }
            })
            .build_with_hasher(RandomState::default());
        Self {
            live,
            ended: EndedCache::default(),
            index: Index::default(),
            displaced,
            locks: AorLocks::default(),
            accounts: Interner::default(),
            proxies: Interner::default(),
            changes: ChangeLog::new(listeners),
            load: Load::default(),
            capacity,
            clock,
            sweeps: AtomicUsize::new(0),
        }
    }

    /// Locks an AOR.
    pub(super) fn lock(&self, aor: &Aor) -> LockedAor<'_> {
        let lock = self.locks.lock(aor);
        LockedAor {
            now: self.clock.now(),
            _lock: lock,
        }
    }

    /// The shared fields of an account's phones.
    pub(crate) fn intern_account(&self, fields: AccountFields) -> Arc<AccountFields> {
        self.accounts.intern(fields)
    }

    /// The shared fields of a proxy's phones.
    pub(crate) fn intern_proxy(&self, fields: ProxyFields) -> Arc<ProxyFields> {
        self.proxies.intern(fields)
    }

    /// Notes whose realm it is, though nobody need be registered there.
    pub(crate) fn note_realm(&self, fields: &AccountFields) {
        self.index.note_realm(fields);
    }

    /// Puts an entry into moka and the index, in the place of `previous`. An entry that had ended
    /// unnoticed is reported first.
    pub(super) fn insert(
        &self,
        locked: &LockedAor<'_>,
        previous: Option<&Arc<Entry>>,
        entry: &Arc<Entry>,
    ) {
        let aor = entry.aor();
        self.live.insert(aor.clone(), Arc::clone(entry));
        let displaced = self.take_displaced(aor);
        let ended = displaced
            .filter(|displaced| !previous.is_some_and(|previous| Arc::ptr_eq(previous, displaced)));
        if let Some(ended) = ended {
            self.expire(locked, ended);
        }
        if let Some(previous) = previous {
            self.index.replace(previous, entry);
        } else {
            self.index.insert(entry);
            self.load.add_one();
        }
    }

    /// Removes a live entry from moka and the index.
    pub(super) fn remove(&self, _: &LockedAor<'_>, entry: &Arc<Entry>) {
        self.live.invalidate(entry.aor());
        // It may have expired meanwhile.
        self.take_displaced(entry.aor());
        self.index.remove(entry);
        self.load.take_one();
    }

    /// Tells moka that an entry lives longer. The caller holds the AOR's lock.
    pub(super) fn extend(&self, entry: &Arc<Entry>) {
        // A read has moka ask for the entry's end.
        if self.live.get(entry.aor()).is_none() {
            // It expired in moka just before its end was put off.
            self.live.insert(entry.aor().clone(), Arc::clone(entry));
            self.take_displaced(entry.aor());
        }
    }

    fn take_displaced(&self, aor: &Aor) -> Option<Arc<Entry>> {
        self.displaced.remove(aor).map(|(_, entry)| entry)
    }

    /// Removes an entry that is no longer in moka from the index, and reports its end.
    fn expire(&self, _: &LockedAor<'_>, entry: Arc<Entry>) {
        self.index.remove(&entry);
        self.load.take_one();
        let gone = EntryRef::new(entry);
        self.changes
            .record(|| Change::new(ChangeKind::Expired, Some(gone), None));
    }

    /// Frees what has ended, and reports each end; to be called four times a second. Readers never see
    /// what has ended, but memory and reports wait for this.
    pub fn sweep(&self) {
        self.live.run_pending_tasks();
        let ended: Vec<Aor> = self.displaced.iter().map(|one| one.key().clone()).collect();
        for aor in ended {
            let locked = self.lock(&aor);
            // Another entry may have taken its place since; then its end is reported.
            let Some(entry) = self.take_displaced(&aor) else {
                continue;
            };
            if entry.is_live(locked.now) {
                // Our clock was set back, or a refresh came as moka let it go.
                self.live.insert(aor, entry);
            } else {
                self.expire(&locked, entry);
            }
        }
        self.ended.sweep();
        let sweeps = self.sweeps.fetch_add(1, Ordering::Relaxed);
        if sweeps.is_multiple_of(SWEEPS_PER_CLEANING) {
            self.accounts.sweep();
            self.proxies.sweep();
        }
    }
}
