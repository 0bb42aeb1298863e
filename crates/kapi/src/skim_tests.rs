//! What a look tells is what reading tells, and what it leaves out changes nothing else.

use std::hash::RandomState;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{Event, Limits, decode};

fn captured(name: &str) -> String {
    let path = format!(
        "{}/../../fixtures/captures/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let case: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    case["body"].as_str().unwrap().to_owned()
}

fn refresh() -> String {
    captured("case-reg-success-registered-refresh")
}

#[test]
fn names_and_time_are_the_messages() {
    let (body, hasher) = (refresh(), RandomState::new());
    let seen = skim(body.as_bytes(), &hasher).unwrap();
    let Ok(Event::Registration(report)) = decode(body.as_bytes(), Limits::default()) else {
        panic!("no registration");
    };
    assert_eq!(
        (seen.username, seen.realm),
        (&*report.username, &*report.realm)
    );
    assert_eq!(seen.time, report.time);
}

#[test]
fn only_time_and_ids_may_differ() {
    let (body, hasher) = (refresh(), RandomState::new());
    let print = |body: &str| skim(body.as_bytes(), &hasher).map(|seen| seen.fingerprint);
    let same = print(&body);
    assert!(same.is_some());
    let with = |old: &str, new: &str| {
        assert!(body.contains(old), "{old}");
        print(&body.replacen(old, new, 1))
    };
    assert_eq!(with("1795425486", "1795425786"), same);
    assert_eq!(with("d5c7014c-aa42", "00000000-0000"), same);
    assert_eq!(with("targeted-6", "targeted-17"), same);
    for (old, new) in [
        ("Registered", "Registerex"),
        ("\"Expires\": 600", "\"Expires\": 601"),
        ("41933>", "41934>"),
        ("life-1@lab", "life-2@lab"),
        (
            "\"First-Registration\": false",
            "\"First-Registration\": true",
        ),
        ("\"Owner-ID\"", "\"Owner-IE\""),
        ("com.2600hz.lab", "com.2600hz.lac"),
        ("\"bob\"", "\"Bob\""),
    ] {
        let other = with(old, new);
        assert!(other.is_some() && other != same, "{old}");
    }
}

#[test]
fn what_takes_reading_is_not_looked_at() {
    let (body, hasher) = (refresh(), RandomState::new());
    for (old, new) in [
        // Escaped names and ids; a time that is none, or is written otherwise.
        ("\"Username\": \"bob\"", "\"Username\": \"b\\u006fb\""),
        ("d5c7014c", "d5c7\\u0031"),
        ("d5c7014c", "d5\u{fc}4c"),
        ("1795425486", "\"1795425486\""),
        ("1795425486", "0795425486"),
        ("1795425486", "1.5"),
        ("1795425486", "-5"),
        ("1795425486", "179542548600000000000"),
        ("\"Expires\": 600", "\"Expires\": [600]"),
    ] {
        assert!(body.contains(old), "{old}");
        // The first is Custom-Channel-Vars' for some: those are of no concern here.
        let (head, vars) = body.split_once("\"Custom-Channel-Vars\"").unwrap();
        let body = if head.contains(old) {
            format!(
                "{}\"Custom-Channel-Vars\"{vars}",
                head.replacen(old, new, 1)
            )
        } else {
            body.replacen(old, new, 1)
        };
        assert_eq!(skim(body.as_bytes(), &hasher), None, "{new}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "{\"Username\": \"a\"",
        "{\"a\": 1} {",
        "null",
    ] {
        assert_eq!(skim(body.as_bytes(), &hasher), None, "{body}");
    }
}

proptest! {
    /// Whatever the bytes: no panic; and where a look tells names, reading tells the same.
    #[test]
    fn a_look_never_tells_otherwise_than_reading(at in 0_usize..1400, byte: u8, cut in 0_usize..1400) {
        let mut body = refresh().into_bytes();
        if let Some(there) = body.get_mut(at) {
            *there = byte;
        }
        let hasher = RandomState::new();
        let _ = skim(body.get(..cut).unwrap_or(&body), &hasher);
        if let (Some(seen), Ok(Event::Registration(report))) =
            (skim(&body, &hasher), decode(&body, Limits::default()))
        {
            prop_assert_eq!(seen.username, &*report.username);
            prop_assert_eq!(seen.realm, &*report.realm);
            prop_assert_eq!(seen.time, report.time);
        }
    }
}
