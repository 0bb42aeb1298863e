//! How long what the table holds may stay, kept by moka.
//!
//! Each stay of an AOR has a lease in a moka cache, with a deadline of its own. What puts the end of a
//! stay off does not touch it: when the deadline is up and the stay's end is later, it gets a new
//! one. So moka's cost, in time, is that of one insertion in a lifetime, not in a refresh, and it
//! is all paid by whoever sweeps. (Nor in memory: a key that is inserted again is kept twice.)

use std::{
    borrow::Borrow,
    collections::VecDeque,
    hash::{Hash, Hasher},
    sync::Arc,
    time::{Duration, Instant},
};

use hashbrown::DefaultHashBuilder;
use moka::{Expiry, notification::RemovalCause, sync::Cache};
use parking_lot::Mutex;
use registration::{Clock, UnixMillis};

use crate::slot::Stay;

/// Where more orders wait for the next sweep, whoever comes with another carries some out.
const MAX_WAITING: usize = 65_536;
const SOME: usize = 16;
/// Orders that are carried out in a sweep at most.
const MANY: usize = 100_000;

/// What is to be done at the next sweep.
enum Order {
    Grant(Lease, UnixMillis),
    Cancel(Stay),
}

/// Of a stay, and where to look for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) stay: Stay,
    /// What its AOR hashes to.
    pub(crate) hash: u64,
}

impl PartialEq for Lease {
    fn eq(&self, other: &Self) -> bool {
        self.stay == other.stay
    }
}

impl Eq for Lease {}

impl Hash for Lease {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.stay.hash(state);
    }
}

impl Borrow<Stay> for Lease {
    fn borrow(&self) -> &Stay {
        &self.stay
    }
}

/// The leases.
pub(crate) struct Leases {
    cache: Cache<Lease, UnixMillis, DefaultHashBuilder>,
    waiting: Mutex<VecDeque<Order>>,
    ended: Arc<Mutex<Vec<Lease>>>,
    /// One carries orders out at a time: they have an order.
    turn: Mutex<()>,
}

/// A lease's value is its deadline.
struct Term(Arc<dyn Clock>);

impl Term {
    fn left(&self, deadline: UnixMillis) -> Duration {
        Duration::from_millis(deadline.0.saturating_sub(self.0.now().0))
    }
}

impl Expiry<Lease, UnixMillis> for Term {
    fn expire_after_create(
        &self,
        _: &Lease,
        deadline: &UnixMillis,
        _: Instant,
    ) -> Option<Duration> {
        Some(self.left(*deadline))
    }

    // moka's default keeps the old deadline.
    fn expire_after_update(
        &self,
        _: &Lease,
        deadline: &UnixMillis,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.left(*deadline))
    }
}

impl Leases {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let ended = Arc::<Mutex<Vec<Lease>>>::default();
        let ending = Arc::clone(&ended);
        let cache = Cache::builder()
            .expire_after(Term(clock))
            .eviction_listener(move |lease: Arc<Lease>, _, cause| {
                if cause == RemovalCause::Expired {
                    ending.lock().push(*lease);
                }
            })
            .build_with_hasher(DefaultHashBuilder::default());
        Self {
            cache,
            waiting: Mutex::default(),
            ended,
            turn: Mutex::default(),
        }
    }

    /// Gives a stay a lease, in place of the one that it has had so far.
    pub(crate) fn grant(&self, lease: Lease, deadline: UnixMillis) {
        self.order(Order::Grant(lease, deadline));
    }

    /// Gives many at once theirs, in the sweeps to come.
    pub(crate) fn grant_all(&self, leases: impl Iterator<Item = (Lease, UnixMillis)>) {
        let orders = leases.map(|(lease, deadline)| Order::Grant(lease, deadline));
        self.waiting.lock().extend(orders);
    }

    /// Takes a stay's lease back.
    pub(crate) fn cancel(&self, stay: Stay) {
        self.order(Order::Cancel(stay));
    }

    fn order(&self, order: Order) {
        let waiting = {
            let mut waiting = self.waiting.lock();
            waiting.push_back(order);
            waiting.len()
        };
        if waiting > MAX_WAITING {
            self.carry_out(SOME);
        }
    }

    fn carry_out(&self, limit: usize) {
        let _turn = self.turn.lock();
        let orders: Vec<Order> = {
            let mut waiting = self.waiting.lock();
            let limit = limit.min(waiting.len());
            let orders = waiting.drain(..limit).collect();
            if waiting.is_empty() && waiting.capacity() > MAX_WAITING {
                waiting.shrink_to_fit();
            }
            orders
        };
        for order in orders {
            match order {
                Order::Grant(lease, deadline) => self.cache.insert(lease, deadline),
                Order::Cancel(stay) => self.cache.invalidate(&stay),
            }
        }
    }

    /// Those whose deadline is up since the last time.
    pub(crate) fn sweep(&self) -> Vec<Lease> {
        self.carry_out(MANY);
        self.cache.run_pending_tasks();
        std::mem::take(&mut *self.ended.lock())
    }
}
