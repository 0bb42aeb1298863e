//! Flushes that are sent again later.
//!
//! A proxy looks up what to flush in its database, which it writes every five seconds. A registration
//! that is not written yet is not found and stays. One that is found goes with the next write.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use parking_lot::Mutex;
use registration::{Aor, Clock, UnixMillis};
use tokio::sync::Notify;

use crate::cache::EntryRef;

/// Ages in milliseconds at which a young registration is flushed again. By the last of them every
/// proxy has written it, even if it came at the end of its second. The first is for proxies that have
/// written it by then: they drop it one write earlier.
const AGES: [u64; 2] = [3_000, 6_200];
/// The most that may wait; further ones are not repeated.
const MAX_WAITING: usize = 100_000;

/// AORs that wait to be flushed again.
#[derive(Default)]
pub(crate) struct FlushRetry {
    waiting: Mutex<Waiting>,
    added: Notify,
}

#[derive(Default)]
struct Waiting {
    /// The AORs of the same second are due together.
    by_due: BTreeMap<UnixMillis, VecDeque<Aor>>,
    count: usize,
}

impl FlushRetry {
    /// Schedules those of `flushed` that are too young to be found. Returns how many these are.
    pub(crate) fn schedule(&self, flushed: &[EntryRef], now: UnixMillis) -> usize {
        let mut waiting = self.waiting.lock();
        let mut young = 0;
        for held in flushed {
            let born = held.last_registration().millis();
            let ages = AGES.iter();
            let due = ages.map(|age| UnixMillis(born.0.saturating_add(*age)));
            let due = due.filter(|due| *due > now);
            let times = due.clone().count();
            let has_room = waiting.count + times <= MAX_WAITING;
            if times == 0 || !held.is_flushable() || !has_room {
                continue;
            }
            young += 1;
            waiting.count += times;
            let aor = held.aor();
            for due in due {
                let together = waiting.by_due.entry(due).or_default();
                together.push_back(aor.clone());
            }
        }
        drop(waiting);
        self.added.notify_one();
        young
    }

    /// Waits until the next AOR is due.
    pub(crate) async fn next(&self, clock: &dyn Clock) -> Aor {
        loop {
            let now = clock.now();
            let wait = match self.take_due(now) {
                Ok(aor) => return aor,
                Err(next) => next.map(|due| Duration::from_millis(due.0.saturating_sub(now.0))),
            };
            let due = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.added.notified() => {}
            }
        }
    }

    /// An AOR that is due, or else the time at which the next one is.
    fn take_due(&self, now: UnixMillis) -> Result<Aor, Option<UnixMillis>> {
        let mut waiting = self.waiting.lock();
        let waiting = &mut *waiting;
        while let Some(mut first) = waiting.by_due.first_entry() {
            if *first.key() > now {
                return Err(Some(*first.key()));
            }
            if let Some(aor) = first.get_mut().pop_front() {
                waiting.count -= 1;
                return Ok(aor);
            }
            first.remove();
        }
        Err(None)
    }
}

#[cfg(test)]
mod tests {
    use registration::ManualClock;
    use serde_json::json;

    use super::*;
    use crate::fakes::{T0, World};

    #[tokio::test]
    async fn each_when_it_is_due_whatever_the_order() {
        let world = World::new(vec![]);
        world.tell(&world.event("old", &json!({"Event-Timestamp": T0 - 4})));
        world.tell(&world.event("ripe", &json!({"Event-Timestamp": T0 - 7})));
        world.tell(&world.event("o'x", &json!({})));
        world.register("new");
        let retry = FlushRetry::default();
        let now = world.clock.now();
        assert_eq!(retry.schedule(&world.registrar.cache().all(), now), 2);
        let mut order = Vec::new();
        for millis in [2_000, 2_200, 3_000, 6_200] {
            let clock = ManualClock::at(UnixMillis(now.0 + millis));
            while let Ok(aor) = retry.take_due(clock.now()) {
                order.push((millis, aor.username().to_owned()));
            }
        }
        let wanted = [(2_200, "old"), (3_000, "new"), (6_200, "new")];
        assert_eq!(order, wanted.map(|(at, name)| (at, name.to_owned())));
    }
}
