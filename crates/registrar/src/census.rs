//! Who is registered where, counted change by change: nothing has to go through the table for it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use registration::Zone;

use crate::{
    changes::{Change, ChangeKind, Watcher},
    held::Held,
};

/// Zones that events name though nobody has configured them, and records of unknown origin.
const OTHER: &str = "other";

/// Names of the kinds of change; a phone that says the same again changes nothing.
const KINDS: [(ChangeKind, &str); 7] = [
    (ChangeKind::Registered, "registered"),
    (ChangeKind::Moved, "moved"),
    (ChangeKind::Unregistered, "unregistered"),
    (ChangeKind::Expired, "expired"),
    (ChangeKind::Flushed, "flushed"),
    (ChangeKind::Identified, "identified"),
    (ChangeKind::Vanished, "vanished"),
];

/// Registrations by zone, and changes by kind. What comes in never makes a new name here.
#[derive(Debug)]
pub struct Census {
    zones: Vec<(Zone, AtomicI64)>,
    changes: [AtomicU64; KINDS.len()],
}

impl Census {
    /// One over these zones, and the watcher that it learns from.
    pub fn new(zones: impl IntoIterator<Item = Zone>) -> (Arc<Self>, Watcher) {
        let zones = zones.into_iter().chain([Zone::new(OTHER)]);
        let census = Arc::new(Self {
            zones: zones.map(|zone| (zone, AtomicI64::new(0))).collect(),
            changes: [const { AtomicU64::new(0) }; KINDS.len()],
        });
        let watching = Arc::clone(&census);
        let watcher = Watcher::of_many(move |changes| watching.tell(changes));
        (census, watcher)
    }

    fn tell(&self, changes: &[Change]) {
        // Those that come together are mostly alike.
        for alike in changes.chunk_by(|one, other| told_of(one) == told_of(other)) {
            if let [first, ..] = alike {
                self.count(told_of(first), alike.len());
            }
        }
    }

    fn count(&self, (kind, before, after): Told<'_>, times: usize) {
        let mut slots = KINDS.iter().zip(&self.changes);
        if let Some((_, slot)) = slots.find(|((known, _), _)| *known == kind) {
            slot.fetch_add(times as u64, Ordering::Relaxed);
        }
        if before == after {
            return;
        }
        let times = i64::try_from(times).unwrap_or(i64::MAX);
        for (zone, step) in [(after, times), (before, -times)] {
            if let Some(slot) = zone.and_then(|zone| self.slot(zone)) {
                slot.fetch_add(step, Ordering::Relaxed);
            }
        }
    }

    fn slot(&self, zone: &Zone) -> Option<&AtomicI64> {
        let named = self.zones.iter().find(|(known, _)| known == zone);
        named.or(self.zones.last()).map(|(_, slot)| slot)
    }

    /// How many are registered, by zone; those that have ended count until they are reclaimed.
    pub fn by_zone(&self) -> impl Iterator<Item = (&str, i64)> {
        let zones = self.zones.iter();
        // An end may be told before its beginning.
        zones.map(|(zone, count)| (zone.as_str(), count.load(Ordering::Relaxed).max(0)))
    }

    /// How many changes there were, by kind.
    pub fn changes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let slots = KINDS.iter().zip(&self.changes);
        slots.map(|((_, name), count)| (*name, count.load(Ordering::Relaxed)))
    }
}

/// What counts of a change: its kind, and the zones before and after it.
type Told<'a> = (ChangeKind, Option<&'a Zone>, Option<&'a Zone>);

fn told_of(change: &Change) -> Told<'_> {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    (change.kind, before.map(Held::zone), after.map(Held::zone))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fakes::World;

    fn of(census: &Census) -> Vec<(String, i64)> {
        let zones = census.by_zone();
        zones
            .map(|(zone, count)| (zone.to_owned(), count))
            .collect()
    }

    #[test]
    fn it_counts_as_the_table_does_whatever_zones_events_name() {
        let (census, watcher) = Census::new(["local", "east"].map(Zone::new));
        let world = World::new(vec![watcher]);
        let counts = |local, east, other| {
            [("local", local), ("east", east), (OTHER, other)]
                .map(|(zone, count)| (zone.to_owned(), count))
        };
        for user in ["a", "b", "c"] {
            world.register(user);
        }
        assert_eq!(of(&census), counts(3, 0, 0));
        world.register("a");
        assert_eq!(of(&census), counts(3, 0, 0), "a refresh is no other");
        world.clock.advance_millis(1000);
        world.tell(&world.event("a", &json!({"AMQP-Broker-Zone": "east", "Expires": 900})));
        world.tell(&world.event("b", &json!({"Expires": 0})));
        let named = world.registrar.all();
        let in_east = named
            .iter()
            .filter(|held| held.registration().zone.as_str() == "east")
            .count();
        assert_eq!(of(&census).iter().map(|(_, count)| count).sum::<i64>(), 2);
        assert_eq!(of(&census)[1].1, i64::try_from(in_east).unwrap());
        // The padding, and the second in which moka reclaims.
        world.clock.advance_millis(3_600_000);
        let kinds = census.changes().filter(|(_, count)| *count > 0);
        let kinds: Vec<_> = kinds.collect();
        assert_eq!(kinds, [("registered", 3), ("unregistered", 1)]);
    }

    #[test]
    fn an_unknown_zone_is_other() {
        let (census, watcher) = Census::new([Zone::new("elsewhere")]);
        let world = World::new(vec![watcher]);
        world.register("a");
        assert_eq!(of(&census)[1], (OTHER.to_owned(), 1));
    }
}
