//! How long what the table holds may stay, kept by moka.
//!
//! Each stay of an AOR has a lease in a moka cache, with a deadline of its own. A refresh does not
//! touch it: when the deadline is up and the registration has been refreshed since, it gets a new
//! one. So moka's cost, in time, is that of one insertion in a lifetime, not in a refresh, and it
//! is all paid by whoever sweeps.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use hashbrown::DefaultHashBuilder;
use moka::{Expiry, notification::RemovalCause, sync::Cache};
use parking_lot::Mutex;
use registration::Clock;

use crate::slot::{Slot, Stay};

/// Where more orders wait for the next sweep, whoever comes with another carries some out.
const MAX_WAITING: usize = 65_536;
const SOME: usize = 16;
/// Orders that are carried out in a sweep at most.
const MANY: usize = 100_000;

/// What is to be done at the next sweep.
enum Order {
    Grant(Slot),
    Cancel(Stay),
}

/// The leases.
pub(crate) struct Leases {
    cache: Cache<Stay, Slot, DefaultHashBuilder>,
    waiting: Mutex<VecDeque<Order>>,
    ended: Arc<Mutex<Vec<Slot>>>,
    /// One carries orders out at a time: they have an order.
    turn: Mutex<()>,
}

/// A lease runs until the slot may be forgotten, as it is known then.
struct Term(Arc<dyn Clock>);

impl Term {
    fn left(&self, slot: &Slot) -> Duration {
        Duration::from_millis(slot.until().0.saturating_sub(self.0.now().0))
    }
}

impl Expiry<Stay, Slot> for Term {
    fn expire_after_create(&self, _: &Stay, slot: &Slot, _: Instant) -> Option<Duration> {
        Some(self.left(slot))
    }

    // moka's default keeps the old deadline.
    fn expire_after_update(
        &self,
        _: &Stay,
        slot: &Slot,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.left(slot))
    }
}

impl Leases {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let ended = Arc::<Mutex<Vec<Slot>>>::default();
        let ending = Arc::clone(&ended);
        let cache = Cache::builder()
            .expire_after(Term(clock))
            .eviction_listener(move |_, slot, cause| {
                if cause == RemovalCause::Expired {
                    ending.lock().push(slot);
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

    /// Gives a slot a lease, in place of the one that its stay has had so far.
    pub(crate) fn grant(&self, slot: &Slot) {
        self.order(Order::Grant(slot.clone()));
    }

    /// Gives many at once theirs, in the sweeps to come.
    pub(crate) fn grant_all(&self, slots: impl Iterator<Item = Slot>) {
        self.waiting.lock().extend(slots.map(Order::Grant));
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
                Order::Grant(slot) => self.cache.insert(slot.stay(), slot),
                Order::Cancel(stay) => self.cache.invalidate(&stay),
            }
        }
    }

    /// Those whose deadline is up since the last time.
    pub(crate) fn sweep(&self) -> Vec<Slot> {
        self.carry_out(MANY);
        self.cache.run_pending_tasks();
        std::mem::take(&mut *self.ended.lock())
    }
}
