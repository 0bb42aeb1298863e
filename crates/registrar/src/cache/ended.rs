//! What is kept of registrations after their end: later events are judged against it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use foldhash::quality::RandomState;
use moka::{Expiry, sync::Cache};
use registration::{Aor, BindingHistory, UnixMillis};

/// How long an ended registration is kept. Events that are older still could revive the phone.
const TTL: Duration = Duration::from_mins(10);
/// How many are kept at most. Nothing that is younger than [`TTL`] is dropped for a newcomer: at the
/// bound the newcomer is not kept.
const CAPACITY: usize = 1_000_000;

/// What is kept of an AOR that is not registered.
pub(super) struct Ended {
    /// When its binding last began or ended.
    pub(super) history: BindingHistory,
    at: UnixMillis,
}

/// Ended registrations by AOR, each for [`TTL`] from its end.
pub(super) struct EndedCache {
    cache: Cache<Aor, Arc<Ended>, RandomState>,
    kept: Arc<AtomicUsize>,
    capacity: usize,
}

struct Ttl;

impl Expiry<Aor, Arc<Ended>> for Ttl {
    fn expire_after_create(&self, _: &Aor, _: &Arc<Ended>, _: Instant) -> Option<Duration> {
        Some(TTL)
    }

    fn expire_after_update(
        &self,
        _: &Aor,
        _: &Arc<Ended>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(TTL)
    }
}

impl Default for EndedCache {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl EndedCache {
    fn with_capacity(capacity: usize) -> Self {
        let kept = Arc::<AtomicUsize>::default();
        let left = Arc::clone(&kept);
        let cache = Cache::builder()
            .expire_after(Ttl)
            // Told of each value that goes, a replaced one included.
            .eviction_listener(move |_, _, _| {
                left.fetch_sub(1, Ordering::Relaxed);
            })
            .build_with_hasher(RandomState::default());
        Self {
            cache,
            kept,
            capacity,
        }
    }

    /// What is kept of an AOR.
    pub(super) fn get(&self, aor: &Aor, now: UnixMillis) -> Option<Arc<Ended>> {
        let ended = self.cache.get(aor)?;
        (now < ended.at.plus_seconds(TTL.as_secs())).then_some(ended)
    }

    /// Keeps the history of an AOR that is not registered, if there is room.
    pub(super) fn insert(&self, aor: &Aor, history: BindingHistory, at: UnixMillis) {
        if self.kept.fetch_add(1, Ordering::Relaxed) >= self.capacity
            && !self.cache.contains_key(aor)
        {
            self.kept.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        self.cache
            .insert(aor.clone(), Arc::new(Ended { history, at }));
    }

    /// Forgets an AOR, which is registered again.
    pub(super) fn remove(&self, aor: &Aor) {
        self.cache.invalidate(aor);
    }

    /// Frees what has been kept for long enough.
    pub(super) fn sweep(&self) {
        self.cache.run_pending_tasks();
    }
}

#[cfg(test)]
mod tests {
    use registration::{Balance, UnixSeconds};

    use super::*;

    const T0: u64 = 1_795_425_485;

    fn history(second: u64) -> BindingHistory {
        BindingHistory {
            second: UnixSeconds(second),
            contact: "<sip:a@192.0.2.1>".into(),
            node: None,
            balance: Balance::Closed,
        }
    }

    fn aor(number: usize) -> Aor {
        Aor::new(&format!("u{number}"), "a.example.com")
    }

    fn insert(ended: &EndedCache, number: usize, second: u64) {
        ended.insert(&aor(number), history(second), UnixSeconds(T0).millis());
    }

    fn second(ended: &EndedCache, number: usize, after_seconds: u64) -> Option<u64> {
        let now = UnixSeconds(T0 + after_seconds).millis();
        ended
            .get(&aor(number), now)
            .map(|ended| ended.history.second.0)
    }

    #[test]
    fn a_newcomer_drops_none_that_is_young() {
        let ended = EndedCache::with_capacity(3);
        for number in 0..5 {
            insert(&ended, number, 1);
        }
        // Those that are kept are still brought up to date.
        insert(&ended, 0, 2);
        ended.sweep();
        let kept: Vec<_> = (0..5).map(|number| second(&ended, number, 599)).collect();
        assert_eq!(kept, [Some(2), Some(1), Some(1), None, None]);
        ended.remove(&aor(1));
        ended.remove(&aor(4));
        insert(&ended, 3, 3);
        insert(&ended, 4, 3);
        let kept: Vec<_> = (0..5).map(|number| second(&ended, number, 599)).collect();
        assert_eq!(kept, [Some(2), None, Some(1), Some(3), None]);
    }

    #[test]
    fn it_is_kept_for_ten_minutes() {
        let ended = EndedCache::default();
        insert(&ended, 0, 1);
        assert_eq!(second(&ended, 0, 599), Some(1));
        assert_eq!(second(&ended, 0, 600), None);
    }
}
