//! What is written is read back; what is damaged is refused whole.

use proptest::prelude::*;
use registration::Zone;
use serde_json::json;

use super::*;
use crate::{Directory, NoticeSettings, Notices, Restored, fakes::World};

fn snapshot(world: &World) -> Vec<u8> {
    let mut out = Vec::new();
    let written = world.registrar.write_snapshot(&mut out).unwrap();
    assert_eq!(written, world.registrar.cache().all().len() as u64);
    out
}

fn restored(found: u64, taken_in: u64) -> Restored {
    Restored { found, taken_in }
}

fn world() -> World {
    let world = World::new(vec![]);
    for number in 0..300 {
        let more = json!({"User-Agent": format!("line\nbreak \"quoted\" \\ ☎ {}", number % 7), "AMQP-Broker-Zone": "east"});
        world.tell(&world.event(&format!("user{number}"), &more));
    }
    world
}

#[test]
fn whoever_watches_hears_of_what_is_brought_back() {
    let world = world();
    world.tell(&world.event("nobodys", &json!({"Account-ID": null})));
    world.tell(&world.event("deviceless", &json!({"Authorizing-ID": null})));
    let bytes = snapshot(&world);

    let all = NoticeSettings {
        register: true,
        deregister: true,
        overwrite: true,
    };
    let (notices, noticing) = Notices::new(all);
    let (directory, asking) = Directory::new(1);
    let other = World::with(vec![noticing, asking], vec![Zone::new("east")]);
    other.registrar.restore(&*bytes).unwrap();
    assert_eq!(other.count("change", "registered"), 302);
    let metrics = other.registrar.metrics();
    assert_eq!(metrics.by_zone(), [("east", 300), ("other", 2)]);
    assert_eq!(notices.waiting(), 0, "they were told of before");
    assert_eq!(directory.waiting(), 2);
}

#[test]
fn a_snapshot_brings_everything_back() {
    let world = world();
    let other = World::new(vec![]);
    let bytes = snapshot(&world);
    assert_eq!(
        other.registrar.restore(&*bytes).unwrap(),
        restored(300, 300)
    );
    assert_eq!(other.registrar.cache().held(), 300);
    for registration in world.all() {
        assert_eq!(
            other
                .registrar
                .cache()
                .get(&registration.aor())
                .unwrap()
                .registration(),
            *registration
        );
    }
    let account = registration::AccountId::parse(crate::fakes::ACCOUNT).unwrap();
    let scope = other.registrar.scope(&account, None).unwrap();
    assert_eq!(other.registrar.count(&scope), 300);
    // Whoever is known already stays as he is.
    assert_eq!(other.registrar.restore(&*bytes).unwrap(), restored(300, 0));
    // And lives as long as he would have.
    other.clock.advance_millis(779_000);
    assert_eq!(other.users().len(), 300);
    other.clock.advance_millis(1_000);
    assert!(other.users().is_empty());
}

#[test]
fn what_is_known_better_stays() {
    let bytes = snapshot(&world());
    let other = World::new(vec![]);
    other.clock.advance_millis(5_000);
    other.tell(&other.event("user1", &json!({"Contact": "<sip:new@192.0.2.7>"})));
    assert_eq!(
        other.registrar.restore(&*bytes).unwrap(),
        restored(300, 299)
    );
    let known = other
        .registrar
        .cache()
        .get(&registration::Aor::new("user1", crate::fakes::REALM))
        .unwrap()
        .registration();
    assert_eq!(&*known.contact, "sip:new@192.0.2.7");
}

#[test]
fn what_is_over_stays_away() {
    let bytes = snapshot(&world());
    let late = World::new(vec![]);
    late.clock.advance_millis(780_000);
    assert_eq!(late.registrar.restore(&*bytes).unwrap(), restored(300, 0));
    assert!(late.users().is_empty());
    let account = registration::AccountId::parse(crate::fakes::ACCOUNT).unwrap();
    let scope = late.registrar.scope(&account, None).unwrap();
    assert_eq!(scope.realms, [crate::fakes::REALM.into()], "but is known");
}

#[test]
fn an_empty_table_makes_a_snapshot() {
    let bytes = snapshot(&World::new(vec![]));
    let other = World::new(vec![]);
    assert_eq!(other.registrar.restore(&*bytes).unwrap(), restored(0, 0));
}

fn refused(bytes: &[u8]) -> SnapshotError {
    World::new(vec![]).registrar.restore(bytes).unwrap_err()
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut frame = FrameEncoder::new(Vec::new());
    for part in parts {
        frame.write_all(part).unwrap();
    }
    frame.finish().unwrap()
}

#[test]
fn what_is_no_snapshot_is_refused() {
    for bad in [
        b"".as_slice(),
        b"{}",
        b"not lz4 at all, but long enough to be looked at",
    ] {
        refused(bad);
    }
    let other = refused(&framed(&[b"{\"something\":\"else, and long\"}\n"]));
    assert!(matches!(other, SnapshotError::NotASnapshot));
    let former = b"{\"rollcall_snapshot\":1}\n{\"rollcall_records\":0}\n";
    assert!(matches!(
        refused(&framed(&[former])),
        SnapshotError::Version
    ));
    // An item is a length, the number of its kind, its fields.
    let end = |entries: u8| [2, 0, 0, 0, 3, entries];
    assert!(matches!(
        refused(&framed(&[HEAD, &end(1)])),
        SnapshotError::CutShort {
            found: 0,
            expected: Some(1)
        }
    ));
    assert!(matches!(
        refused(&framed(&[HEAD])),
        SnapshotError::CutShort { expected: None, .. }
    ));
    assert!(matches!(
        refused(&framed(&[HEAD, &end(0), b"more"])),
        SnapshotError::CutShort { .. }
    ));
    let of_missing_account = [&[35, 0, 0, 0, 2][..], &[0; 34]].concat();
    for item in [
        b"\x01\0\0\0\x09".as_slice(),
        // An account whose realm cannot be one; a proxy that ends early; an item of 4 GB.
        b"\x08\0\0\0\0\0\x01@\0\0\0\0",
        b"\x02\0\0\0\x01\0",
        b"\xff\xff\xff\xff",
        // An end with something behind it in the item; an entry of an account that is not there.
        b"\x03\0\0\0\x03\0\0",
        &of_missing_account,
    ] {
        let refusal = refused(&framed(&[HEAD, item]));
        assert!(matches!(refusal, SnapshotError::Item(0)), "{refusal}");
    }
}

#[test]
fn a_frame_without_its_end_is_seen() {
    let bytes = snapshot(&world());
    for cut in 1..=16 {
        refused(&bytes[..bytes.len() - cut]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_anywhere_is_seen(at in any::<prop::sample::Index>(), flip in 1..=255_u8, cut in any::<bool>()) {
        let mut bytes = snapshot(&world());
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        prop_assert!(World::new(vec![]).registrar.restore(&*bytes).is_err());
    }
}
