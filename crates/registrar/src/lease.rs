//! How long what the table holds may stay, kept by moka.
//!
//! Each stay of an AOR has a lease. Leases that end at the same time are a batch, and moka keeps the
//! batches, each with a deadline of its own. What puts the end of a stay off does not touch its lease:
//! when that is up and the stay's end is later, the stay gets a new one. Nor does anybody take a lease
//! back: one whose stay is over is dropped when it is up, or when there are too many of those. So
//! moka's cost is that of a batch, a lease's is 16 bytes, and it is all paid by whoever sweeps.

use std::{
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::{Duration, Instant},
};

use hashbrown::DefaultHashBuilder;
use moka::{Expiry, sync::Cache};
use parking_lot::Mutex;
use registration::{Clock, UnixMillis};

use crate::slot::Stay;

/// Leases that end within as many milliseconds end at once, at the last of them.
const TOGETHER: u64 = 128;
/// Where more wait for the next sweep, whoever comes with another enters them.
const MAX_WAITING: usize = 65_536;
/// So many may be of stays that are over; of more than that, a quarter of the stays.
const SPARE: usize = 16_384;

/// Of a stay, and where to look for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) stay: Stay,
    /// What its AOR hashes to.
    pub(crate) hash: u64,
}

/// Leases with the same deadline. Locked by whoever has the turn only.
type Batch = Arc<Mutex<Vec<Lease>>>;

/// A deadline: so many times [`TOGETHER`] after the leases' beginning. A clock that is set does not
/// move it, nor moka's.
type Deadline = u64;

/// The leases.
pub(crate) struct Leases {
    cache: Cache<Deadline, Batch, DefaultHashBuilder>,
    begun: Instant,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Vec<(Lease, UnixMillis)>>,
    ended: Arc<Mutex<Vec<Batch>>>,
    /// In all batches.
    held: AtomicUsize,
    /// One enters leases or takes them out at a time.
    turn: Mutex<()>,
}

struct Term(Instant);

impl Expiry<Deadline, Batch> for Term {
    fn expire_after_create(
        &self,
        deadline: &Deadline,
        _: &Batch,
        created_at: Instant,
    ) -> Option<Duration> {
        let after = Duration::from_millis(deadline.saturating_mul(TOGETHER));
        Some(after.saturating_sub(created_at.saturating_duration_since(self.0)))
    }
}

impl Leases {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let begun = Instant::now();
        let ended = Arc::<Mutex<Vec<Batch>>>::default();
        let ending = Arc::clone(&ended);
        let cache = Cache::builder()
            .expire_after(Term(begun))
            .eviction_listener(move |_, batch, _| ending.lock().push(batch))
            .build_with_hasher(DefaultHashBuilder::default());
        Self {
            cache,
            begun,
            clock,
            waiting: Mutex::default(),
            ended,
            held: AtomicUsize::new(0),
            turn: Mutex::default(),
        }
    }

    /// Gives a stay a lease. It is the only one that counts, if it ends before the stay's others.
    pub(crate) fn grant(&self, lease: Lease, until: UnixMillis) {
        let waiting = {
            let mut waiting = self.waiting.lock();
            waiting.push((lease, until));
            waiting.len()
        };
        // Who sweeps meanwhile will see to them.
        if waiting > MAX_WAITING
            && let Some(_turn) = self.turn.try_lock()
        {
            self.enter();
        }
    }

    /// Gives many at once theirs.
    pub(crate) fn grant_all(&self, leases: Vec<(Lease, UnixMillis)>) {
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() {
            *waiting = leases;
        } else {
            waiting.extend(leases);
        }
    }

    /// Enters those that wait. For whoever has the turn.
    fn enter(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        self.held.fetch_add(waiting.len(), Ordering::Relaxed);
        let (now, since) = (self.clock.now(), self.begun.elapsed());
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let mut last: Option<(Deadline, Batch)> = None;
        for (lease, until) in waiting {
            let left = until.0.saturating_sub(now.0);
            let deadline = since.saturating_add(left).div_ceil(TOGETHER);
            // Mostly many in a row end at the same time.
            let same = last.as_ref().filter(|(of, _)| *of == deadline);
            if let Some((_, batch)) = same {
                batch.lock().push(lease);
                continue;
            }
            let batch = self.cache.get(&deadline).unwrap_or_else(|| {
                let batch = Batch::default();
                self.cache.insert(deadline, Arc::clone(&batch));
                batch
            });
            batch.lock().push(lease);
            last = Some((deadline, batch));
        }
    }

    /// Those whose time is up since the last time. `is_held` tells whether a lease's stay is in the
    /// table, which has so many.
    pub(crate) fn sweep(&self, stays: usize, is_held: impl Fn(&Lease) -> bool) -> Vec<Lease> {
        let _turn = self.turn.lock();
        self.enter();
        self.cache.run_pending_tasks();
        let batches = std::mem::take(&mut *self.ended.lock());
        let ended = batches
            .iter()
            .map(|batch| std::mem::take(&mut *batch.lock()));
        let ended = ended.reduce(|mut all, batch| {
            all.extend(batch);
            all
        });
        let ended = ended.unwrap_or_default();
        let held = self.held.fetch_sub(ended.len(), Ordering::Relaxed) - ended.len();
        if held > stays + stays / 4 + SPARE {
            self.drop_but(is_held);
        }
        ended
    }

    fn drop_but(&self, is_held: impl Fn(&Lease) -> bool) {
        let mut dropped = 0;
        for (_, batch) in &self.cache {
            let mut batch = batch.lock();
            let before = batch.len();
            batch.retain(&is_held);
            batch.shrink_to_fit();
            dropped += before - batch.len();
        }
        self.held.fetch_sub(dropped, Ordering::Relaxed);
    }

    /// How many there are, of stays that are over too.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use registration::SystemClock;

    use super::*;

    fn granted(leases: &Leases, number: u64, left: u64) {
        let (stay, hash) = (Stay::of(number), number);
        let until = UnixMillis(SystemClock.now().0 + left);
        leases.grant(Lease { stay, hash }, until);
    }

    #[test]
    fn leases_of_stays_that_are_over_are_dropped_when_there_are_too_many() {
        let leases = Leases::new(Arc::new(SystemClock));
        let many = MAX_WAITING + SPARE;
        for number in 0..many as u64 {
            granted(&leases, number, 3_600_000 + number % 1000 * 1000);
        }
        let held = || leases.held();
        let ended = leases.sweep(many, |_| true);
        assert_eq!((ended.len(), held()), (0, many));
        let is_held = |lease: &Lease| lease.hash < 10;
        leases.sweep(10, is_held);
        assert_eq!(held(), 10);
    }

    #[test]
    fn what_is_over_ends_at_once_and_the_rest_does_not() {
        let leases = Leases::new(Arc::new(SystemClock));
        granted(&leases, 1, 0);
        granted(&leases, 2, 3_600_000);
        let patience = Instant::now() + Duration::from_secs(10);
        let mut ended = Vec::new();
        while ended.is_empty() && Instant::now() < patience {
            ended = leases.sweep(2, |_| true);
        }
        let ended: Vec<_> = ended.iter().map(|lease| lease.stay.number()).collect();
        assert_eq!(ended, [1]);
    }
}
