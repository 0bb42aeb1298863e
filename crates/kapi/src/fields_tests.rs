//! The same objects as Kazoo's own code makes, in both spellings.

use registration::{Decision, DecisionContext, Policy, UnixMillis, Zone, decide};
use serde_json::Value;

use super::*;
use crate::{Event, Limits, decode};

/// Event time of the fixture, Gregorian; stands for its symbolic `@T0`.
const T0: u64 = 63_900_000_000;

fn stored(body: &[u8], now: UnixMillis) -> Registration {
    let Ok(Event::Registration(report)) = decode(body, Limits::default()) else {
        panic!("no registration")
    };
    let context = DecisionContext {
        live: None,
        history: None,
        zone: &Zone::new("local"),
        policy: &Policy::default(),
        now,
        redelivered: false,
        complete: false,
    };
    match decide(&report, context).decision {
        Decision::Store(registration, _) => *registration,
        other => panic!("not stored: {other:?}"),
    }
}

fn json(registration: &Registration, spelling: Spelling) -> Value {
    let mut out = Vec::new();
    write_json(registration, spelling, &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn with_time(mut expected: Value) -> Value {
    for value in expected.as_object_mut().unwrap().values_mut() {
        if *value == "@T0" {
            *value = T0.into();
        }
    }
    expected
}

#[test]
fn a_typical_event_shows_as_in_kazoo() {
    let case: Value = serde_json::from_str(include_str!(
        "../../../fixtures/oracle/001-kamailio-typical.json"
    ))
    .unwrap();
    let event = serde_json::to_vec(&case["events"][0]).unwrap();
    let registration = stored(
        &event,
        UnixMillis((T0 - registration::GREGORIAN_UNIX_OFFSET) * 1000),
    );
    assert_eq!(
        json(&registration, Spelling::Http),
        with_time(case["expected_registrations"][0].clone())
    );
    assert_eq!(
        json(&registration, Spelling::Amqp),
        with_time(case["reg_query_reply"][0]["Fields"][0].clone())
    );
}

/// Kazoo's published example of the API: every key, and a number where it shows a number.
#[test]
fn the_published_example_is_reproduced() {
    let event = include_bytes!("../../../fixtures/events/published-example.json");
    let registration = stored(event, UnixMillis(1_795_425_500_000));
    let shown = json(&registration, Spelling::Http);
    let shown = shown.as_object().unwrap();
    let texts = [
        "account_name",
        "account_realm",
        "authorizing_id",
        "authorizing_type",
        "call_id",
        "contact",
        "contact_ip",
        "from_host",
        "from_user",
        "network_ip",
        "network_port",
        "original_contact",
        "owner_id",
        "proxy_ip",
        "realm",
        "to_host",
        "to_user",
        "user_agent",
        "username",
    ];
    for key in texts {
        assert!(shown[key].is_string(), "{key}");
    }
    for key in ["contact_port", "event_timestamp", "expires", "proxy_port"] {
        assert!(shown[key].is_u64(), "{key}");
    }
    assert!(shown["suppress_unregister_notify"].is_boolean());
    assert_eq!(
        shown["event_timestamp"],
        1_795_425_485 + registration::GREGORIAN_UNIX_OFFSET
    );
    assert!(!shown.values().any(Value::is_null));
    for hidden in [
        "account_id",
        "account_db",
        "app_name",
        "app_version",
        "event_name",
        "event_category",
        "server_id",
    ] {
        assert!(!shown.contains_key(hidden), "{hidden} is never shown");
    }
}

#[test]
fn text_is_escaped() {
    let mut registration = stored(
        include_bytes!("../../../fixtures/events/published-example.json"),
        UnixMillis(1_795_425_500_000),
    );
    registration.user_agent = Some("\"\\\u{1}é📞".into());
    assert_eq!(
        json(&registration, Spelling::Http)["user_agent"],
        "\"\\\u{1}é📞"
    );
}

#[test]
fn every_name_over_http_is_listed_in_order() {
    let mut event: Value = serde_json::from_str(include_str!(
        "../../../fixtures/events/published-example.json"
    ))
    .unwrap();
    for header in [
        "Network-IP",
        "Network-Port",
        "Previous-Contact",
        "Presence-ID",
        "Registrar-Hostname",
    ] {
        event[header] = "1".into();
    }
    event["Proxy-Path"] = "sip:192.0.2.1".into();
    event["Proxy-Port"] = 5060.into();
    for header in [
        "Proxy-IP",
        "Proxy-Protocol",
        "Source-IP",
        "Source-Port",
        "Account-Realm",
        "Account-Name",
    ] {
        event[header] = "1".into();
    }
    for header in [
        "Authorizing-ID",
        "Authorizing-Type",
        "Owner-ID",
        "Registrar-Node",
        "Call-ID",
        "User-Agent",
    ] {
        event[header] = "1".into();
    }
    for header in ["From-User", "To-User"] {
        event[header] = "1".into();
    }
    let registration = stored(event.to_string().as_bytes(), UnixMillis(1));
    let mut names = Vec::new();
    visit_fields(&registration, Spelling::Http, |field, _| {
        let spelled = field.header.to_ascii_lowercase().replace('-', "_");
        assert_eq!(field.name, spelled);
        names.push(field.name);
    });
    assert_eq!(names, HTTP_FIELDS);
}
