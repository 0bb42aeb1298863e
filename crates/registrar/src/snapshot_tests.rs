//! What is written is read back; what is damaged is refused whole.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::fakes::{REALM, T0, World};

fn snapshot(world: &World) -> Vec<u8> {
    let mut out = Vec::new();
    let all = world.registrar.all();
    assert_eq!(write_snapshot(&all, &mut out).unwrap(), all.len() as u64);
    out
}

fn read(bytes: &[u8]) -> Result<Vec<Report>, SnapshotError> {
    let mut reports = Vec::new();
    let (unreadable, found) = read_snapshot(bytes, |report| reports.push(report))?;
    assert_eq!((unreadable, found), (0, reports.len() as u64));
    Ok(reports)
}

fn world() -> World {
    let world = World::new(vec![]);
    for number in 0..300 {
        let more = json!({"User-Agent": "line\nbreak \"quoted\" \\ ☎", "AMQP-Broker-Zone": "east"});
        world.tell(&world.event(&format!("user{number}"), &more));
    }
    world
}

#[test]
fn a_snapshot_brings_everything_back() {
    let world = world();
    let other = World::new(vec![]);
    let reports = read(&snapshot(&world)).unwrap();
    assert_eq!(other.registrar.restore(&reports), 300);
    for registration in world.registrar.all() {
        assert_eq!(
            other.registrar.get(&registration.aor()).unwrap(),
            registration
        );
    }
    // Whoever is known already stays as he is.
    assert_eq!(other.registrar.restore(&reports), 0);
}

#[test]
fn what_is_over_stays_away() {
    let bytes = snapshot(&world());
    let late = World::new(vec![]);
    late.clock.advance_millis(780_000);
    assert_eq!(late.registrar.restore(&read(&bytes).unwrap()), 0);
    assert!(late.users().is_empty());
}

#[test]
fn an_empty_table_makes_a_snapshot() {
    assert!(read(&snapshot(&World::new(vec![]))).unwrap().is_empty());
}

#[test]
fn what_is_no_snapshot_is_refused() {
    for bad in [
        b"".as_slice(),
        b"{}",
        b"not lz4 at all, but long enough to be looked at",
    ] {
        assert!(read(bad).is_err());
    }
    let framed = |text: &str| {
        let mut frame = FrameEncoder::new(Vec::new());
        frame.write_all(text.as_bytes()).unwrap();
        frame.finish().unwrap()
    };
    assert!(matches!(
        read(&framed("{}\n")),
        Err(SnapshotError::NoSnapshot)
    ));
    assert!(matches!(
        read(&framed("{\"rollcall_snapshot\":2}\n")),
        Err(SnapshotError::Version(2))
    ));
    let whole = "{\"rollcall_snapshot\":1}\n{\"rollcall_records\":1}\n";
    assert!(matches!(
        read(&framed(whole)),
        Err(SnapshotError::NotWhole {
            found: 0,
            said: Some(1)
        })
    ));
    let cut = "{\"rollcall_snapshot\":1}\n";
    assert!(matches!(
        read(&framed(cut)),
        Err(SnapshotError::NotWhole { said: None, .. })
    ));
}

#[test]
fn a_record_of_another_time_is_skipped_and_counted() {
    let mut frame = FrameEncoder::new(Vec::new());
    let good = format!(
        "{{\"Username\":\"bob\",\"Realm\":\"{REALM}\",\"Contact\":\"sip:b\",\"Expires\":60,\"Event-Timestamp\":{T0}}}"
    );
    let text =
        format!("{{\"rollcall_snapshot\":1}}\n{{\"odd\":1}}\n{good}\n{{\"rollcall_records\":2}}\n");
    frame.write_all(text.as_bytes()).unwrap();
    let mut reports = Vec::new();
    let read = read_snapshot(&*frame.finish().unwrap(), |report| reports.push(report));
    assert_eq!((read.unwrap(), reports.len()), ((1, 2), 1));
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
        prop_assert!(read(&bytes).is_err());
    }
}
