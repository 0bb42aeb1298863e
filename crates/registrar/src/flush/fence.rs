//! Keeps a flush apart from registrations that follow within the same second.
//!
//! Events tell their time in whole seconds, so one that is as old as a flush may have happened before
//! it, and is ignored. The queue knows better: an event behind our flush, as that comes back through
//! our own queue, happened after it. So the flush's return lifts the fence for that zone.

use std::collections::VecDeque;

use kapi::Flush;
use parking_lot::Mutex;
use registration::{Aor, Zone};

use crate::cache::EntryRef;

/// The most flushes whose return is awaited. Beyond that the oldest is given up: its phones are let in
/// from the next second on.
const MAX_AWAITED: usize = 1_000;

/// Which fence are awaited, and what they let in again.
#[derive(Default)]
pub(crate) struct FlushFence(Mutex<VecDeque<Awaited>>);

struct Awaited {
    flush: Flush,
    stage: Stage,
}

enum Stage {
    /// On its way. It has come back in these zones already.
    Sent(Vec<Zone>),
    /// Carried out. These AORs were flushed, in zones where it has not come back.
    CarriedOut(Vec<(Aor, Zone)>),
}

impl Stage {
    fn has_heard(&self, zone: &Zone) -> bool {
        matches!(self, Self::Sent(heard) if heard.contains(zone))
    }
}

impl Awaited {
    fn is_done(&self) -> bool {
        matches!(&self.stage, Stage::CarriedOut(closed) if closed.is_empty())
    }
}

impl FlushFence {
    /// Awaits a flush; to be called before it is published.
    pub(crate) fn expect(&self, flush: &Flush) {
        let mut awaited = self.0.lock();
        if awaited.len() == MAX_AWAITED {
            awaited.pop_front();
        }
        awaited.push_back(Awaited {
            flush: flush.clone(),
            stage: Stage::Sent(Vec::new()),
        });
    }

    /// Awaits a flush no longer: no broker took it.
    pub(crate) fn give_up(&self, flush: &Flush) {
        let is_it =
            |awaited: &Awaited| awaited.flush == *flush && matches!(awaited.stage, Stage::Sent(_));
        self.0.lock().retain(|awaited| !is_it(awaited));
    }

    /// Fences off what a flush has removed. Returns the AORs whose fence is lifted already.
    pub(crate) fn carried_out(&self, flush: &Flush, forgotten: &[EntryRef]) -> Vec<Aor> {
        let forgotten = forgotten
            .iter()
            .map(|gone| (gone.aor(), gone.zone().clone()));
        let mut awaited = self.0.lock();
        let mut of_it = awaited.iter_mut().rev().filter(|one| one.flush == *flush);
        let mut open = Vec::new();
        match of_it.next().map(|latest| &mut latest.stage) {
            Some(stage @ Stage::Sent(_)) => {
                let closed;
                (open, closed) = forgotten.partition(|(_, zone)| stage.has_heard(zone));
                *stage = Stage::CarriedOut(closed);
            }
            // Another order shares the flush.
            Some(Stage::CarriedOut(closed)) => closed.extend(forgotten),
            None => {}
        }
        awaited.retain(|one| !one.is_done());
        aors(open)
    }

    /// Notes that a flush has come back in a zone. Returns the AORs whose fence is lifted.
    pub(crate) fn heard(&self, flush: &Flush, zone: &Zone) -> Vec<Aor> {
        let mut open = Vec::new();
        self.0
            .lock()
            .retain_mut(|awaited| match &mut awaited.stage {
                _ if awaited.flush != *flush => true,
                Stage::Sent(heard) => {
                    heard.push(zone.clone());
                    true
                }
                Stage::CarriedOut(closed) => {
                    open.extend(closed.extract_if(.., |(_, of)| of == zone));
                    !closed.is_empty()
                }
            });
        aors(open)
    }
}

fn aors(named: Vec<(Aor, Zone)>) -> Vec<Aor> {
    named.into_iter().map(|(aor, _)| aor).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fakes::{REALM, World};

    fn flush() -> Flush {
        Flush {
            realm: REALM.into(),
            username: None,
            cache_only: false,
        }
    }

    #[test]
    fn each_is_let_in_by_the_echo_of_its_zone() {
        let world = World::new(vec![]);
        world.register("bob");
        let (all, local) = (world.registrar.cache().all(), Zone::new("local"));
        let bob = || vec![all[0].aor()];
        let fence = FlushFence::default();
        assert_eq!(fence.carried_out(&flush(), &all), []);
        assert_eq!(fence.heard(&flush(), &local), []);
        // Behind the confirm, as mostly.
        fence.expect(&flush());
        assert_eq!(fence.carried_out(&flush(), &all), []);
        assert_eq!(fence.carried_out(&flush(), &[]), [], "who shared it");
        assert_eq!(fence.heard(&flush(), &Zone::new("west")), []);
        assert_eq!(fence.heard(&flush(), &local), bob());
        assert_eq!(fence.heard(&flush(), &local), []);
        // Before it.
        fence.expect(&flush());
        assert_eq!(fence.heard(&flush(), &local), []);
        assert_eq!(fence.carried_out(&flush(), &all), bob());
        // Never.
        fence.expect(&flush());
        fence.give_up(&flush());
        assert_eq!(fence.carried_out(&flush(), &all), []);
        assert_eq!(fence.heard(&flush(), &local), []);
    }

    #[test]
    fn no_more_are_awaited_than_fit() {
        let fence = FlushFence::default();
        for _ in 0..2 * MAX_AWAITED {
            fence.expect(&flush());
        }
        assert_eq!(fence.0.lock().len(), MAX_AWAITED);
    }

    /// A phone that is told to check in does so at once, and its proxy, which has only marked it as
    /// deleted so far, says that it is not its first registration.
    #[tokio::test]
    async fn a_phone_is_back_within_the_second_that_it_was_flushed_in() {
        let world = World::new(vec![]);
        world.register("bob");
        let account = kapi_account();
        let scope = world.registrar.scope(&account, None).unwrap();
        world
            .registrar
            .flusher()
            .flush_account(&scope)
            .await
            .unwrap();
        let back = world.event("bob", &json!({"First-Registration": false}));
        world.tell(&back);
        assert!(
            world.users().is_empty(),
            "told before the flush, for all we know"
        );
        let echo = world.bus.sent()[0].1.clone();
        world.tell(&echo);
        world.tell(&world.event("bob", &json!({"Event-Timestamp": crate::fakes::T0 - 1})));
        assert!(world.users().is_empty(), "older than the flush");
        world.tell(&back);
        assert_eq!(world.users(), ["bob"]);
        world.tell(&world.event("bob", &json!({"Expires": 0, "First-Registration": false})));
        assert!(world.users().is_empty());
    }

    fn kapi_account() -> registration::AccountId {
        registration::AccountId::parse(crate::fakes::ACCOUNT).unwrap()
    }
}
