//! Everything is counted under a label of its own, and shown.

use kapi::Reject;
use prometheus_client::encoding::text::encode;
use registration::{Ignored, Removal};
use serde_json::json;

use super::*;
use crate::fakes::World;

#[test]
fn every_outcome_has_its_own_counter() {
    let outcomes = [
        Outcome::Stored(Stored::Registered),
        Outcome::Stored(Stored::Refreshed),
        Outcome::Stored(Stored::Moved),
        Outcome::Removed(Removal::Unregistered),
        Outcome::Removed(Removal::Expired),
        Outcome::Flushed(3),
        Outcome::OwnFlush,
        Outcome::CredentialFlush,
        Outcome::Asked(Box::default()),
        Outcome::OwnQuestion,
        Outcome::Answered,
        Outcome::LateAnswer,
        Outcome::Ignored(Ignored::NoContact),
        Outcome::Ignored(Ignored::Stale),
        Outcome::Ignored(Ignored::Expired),
        Outcome::Ignored(Ignored::OtherContact),
        Outcome::Ignored(Ignored::NotRegistered),
        Outcome::Ignored(Ignored::Undone),
        Outcome::Ignored(Ignored::Overtaken),
        Outcome::Ignored(Ignored::StaleContact),
        Outcome::Ignored(Ignored::Known),
        Outcome::Ignored(Ignored::CacheFull),
        Outcome::Ignored(Ignored::AccountFull),
        Outcome::Other,
        Outcome::Rejected(Reject::TooLarge { size: 1, limit: 0 }),
        Outcome::Rejected(Reject::NotUtf8),
        Outcome::Rejected(Reject::NotJson(String::new())),
        Outcome::Rejected(Reject::NotAnObject),
        Outcome::Rejected(Reject::TooMany {
            header: "Fields",
            limit: 0,
        }),
        Outcome::Rejected(Reject::Missing("Realm")),
        Outcome::Rejected(Reject::BadValue {
            header: "Expires",
            value: String::new(),
            takes: "",
        }),
    ];
    let metrics = Metrics::new(&[]);
    for outcome in &outcomes {
        metrics.count(outcome);
    }
    let counted = || metrics.counts().filter(|(.., count)| *count > 0);
    assert!(counted().all(|(.., count)| count == 1));
    assert_eq!(counted().count(), outcomes.len());
}

#[test]
fn every_count_is_shown() {
    let metrics = Metrics::new(&[Zone::new("east")]);
    for label in LABELS {
        metrics.add(label, 1);
    }
    assert_eq!(metrics.counts().count(), LABELS.len());
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    let shown = text.lines().filter(|line| line.ends_with("} 1"));
    let ahead = text
        .lines()
        .filter(|l| *l == "rollcall_events_ahead_total 1");
    assert_eq!(shown.count() + ahead.count(), LABELS.len(), "{text}");
    for line in [
        "rollcall_registrations{zone=\"east\"} 0",
        "rollcall_events_total{kind=\"registration\",outcome=\"stored\",reason=\"moved\"} 1",
        "rollcall_events_total{kind=\"other\",outcome=\"ignored\",reason=\"other_message\"} 1",
        "rollcall_drops_total{reason=\"panicked\"} 1",
        "rollcall_flushes_total{outcome=\"done\"} 1",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
}

#[test]
fn one_message_in_so_many_is_timed_and_the_first_is() {
    let timed = std::thread::spawn(|| {
        (0..SAMPLED * 3)
            .filter(|_| Metrics::begin().is_some())
            .count()
    });
    assert_eq!(timed.join().unwrap(), 3);
}

#[test]
fn registrations_are_counted_as_they_stand_whatever_zones_events_name() {
    let world = World::in_zones(["local", "east"]);
    let metrics = world.registrar.metrics();
    let counts = |local, east, other| vec![("local", local), ("east", east), (OTHER, other)];
    for user in ["a", "b", "c"] {
        world.register(user);
    }
    assert_eq!(metrics.by_zone(), counts(3, 0, 0));
    world.register("a");
    assert_eq!(metrics.by_zone(), counts(3, 0, 0), "a refresh adds none");
    world.clock.advance_millis(1000);
    world.tell(&world.event("a", &json!({"AMQP-Broker-Zone": "east", "Expires": 900})));
    world.tell(&world.event("b", &json!({"Expires": 0})));
    let all = world.all();
    let in_east = all.iter().filter(|one| one.zone.as_str() == "east").count();
    let counted = metrics.by_zone();
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<i64>(), 2);
    assert_eq!(counted[1].1, i64::try_from(in_east).unwrap());
    // The padding, and the second in which moka reclaims.
    world.clock.advance_millis(3_600_000);
    let kinds = metrics.counts();
    let kinds: Vec<_> = kinds
        .filter(|(kind, _, count)| *kind == "change" && *count > 0)
        .map(|(_, kind, count)| (kind, count))
        .collect();
    assert_eq!(kinds, [("registered", 3), ("unregistered", 1)]);
}

#[test]
fn an_unknown_zone_is_other() {
    let world = World::in_zones(["elsewhere"]);
    world.register("a");
    assert_eq!(world.registrar.metrics().by_zone()[1], (OTHER, 1));
}
