//! Notices as Kazoo's own registrar published them in the recorded cases.

use registration::{Decision, DecisionContext, Policy, Zone, decide};
use serde_json::Value;

use super::*;
use crate::{Event, Limits, decode};

const T0: u64 = 63_900_000_000;

fn case(file: &str) -> Value {
    let path = format!(
        "{}/../../fixtures/oracle/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text.replace("\"@T0\"", &T0.to_string())).unwrap()
}

fn stored(event: &Value) -> Registration {
    let Ok(Event::Registration(report)) = decode(event.to_string().as_bytes(), Limits::default())
    else {
        panic!("no registration")
    };
    let context = DecisionContext {
        live: None,
        history: None,
        zone: &Zone::new("local"),
        policy: &Policy::default(),
        now: report.time.millis(),
        redelivered: false,
        complete: false,
    };
    match decide(&report, context).decision {
        Decision::Store(registration, _) => *registration,
        other => panic!("{other:?}"),
    }
}

/// Compares with what Kazoo published, but for who says it.
fn agrees(theirs: &Value, notice: Notice<'_>) {
    let identity = Identity::new("rollcall@test").unwrap();
    let (exchange, key, body) = encode_notice(notice, &identity);
    assert_eq!(
        (exchange, key.as_str()),
        (
            theirs["exchange"].as_str().unwrap(),
            theirs["routing_key"].as_str().unwrap()
        )
    );
    let mut ours: Value = serde_json::from_slice(&body).unwrap();
    let mut theirs = theirs["payload"].clone();
    for who in ["Server-ID", "Node", "Msg-ID", "App-Name", "App-Version"] {
        ours.as_object_mut().unwrap().remove(who).unwrap();
        theirs.as_object_mut().unwrap().remove(who);
    }
    assert_eq!(ours, theirs);
}

#[test]
fn a_first_registration() {
    for file in [
        "034-first-registration-true.json",
        "035-first-registration-string-true.json",
    ] {
        let case = case(file);
        agrees(
            &case["published_during_events"][0],
            Notice::Registered(&stored(&case["events"][0])),
        );
    }
}

#[test]
fn the_end_of_a_registration() {
    let case = case("016b-expires-0-notify.json");
    let notice = Notice::Deregistered {
        was: &stored(&case["events"][0]),
        by_phone: true,
    };
    agrees(&case["published_during_events"][0], notice);
}

#[test]
fn another_phone() {
    let case = case("059-register-overwrite-notify.json");
    let [first, second] = [0, 1].map(|at| stored(&case["events"][at]));
    let notice = Notice::Overwritten {
        now: &second,
        previous_contact: &first.contact,
    };
    agrees(&case["published_during_events"][1], notice);
}

#[test]
fn a_phone_is_told_to_check_in() {
    let identity = Identity::new("rollcall@test").unwrap();
    let notice = Notice::CheckSync {
        username: "bob",
        realm: "a.example.com",
    };
    let (exchange, key, body) = encode_notice(notice, &identity);
    assert_eq!(
        (exchange, key.as_str()),
        ("switch", "switch.notify.a%2Eexample%2Ecom.bob")
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    for (header, value) in [
        ("Event-Category", "switch_event"),
        ("Event-Name", "notify"),
        ("Event", "check-sync"),
        ("Username", "bob"),
        ("Realm", "a.example.com"),
    ] {
        assert_eq!(body[header], value);
    }
}
