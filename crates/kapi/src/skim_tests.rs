//! What a look tells is what reading tells, and what it leaves out changes nothing else.

use std::hash::RandomState;

use proptest::prelude::*;
use registration::Report;
use serde_json::Value;

use super::*;
use crate::{Event, Limits, decode};

fn skim(body: &[u8]) -> Option<Skim<'_>> {
    glance(body)?.look()
}

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
    let body = refresh();
    let seen = skim(body.as_bytes()).unwrap();
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
    let print = |body: &str| skim(body.as_bytes()).map(|seen| seen.fingerprint(&hasher));
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
    let body = refresh();
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
        assert_eq!(skim(body.as_bytes()), None, "{new}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "{\"Username\": \"a\"",
        "{\"a\": 1} {",
        "null",
    ] {
        assert_eq!(skim(body.as_bytes()), None, "{body}");
    }
}

fn report(body: &str) -> Report {
    match decode(body.as_bytes(), Limits::default()) {
        Ok(Event::Registration(report)) => *report,
        other => panic!("{other:?} of {body}"),
    }
}

#[test]
fn what_an_inner_object_says_is_not_the_messages() {
    let body = refresh();
    assert!(skim(body.as_bytes()).unwrap().is_of(&report(&body)));
    let with = |inner: &str| body.replacen('{', &format!("{{\"Inner\": {{{inner}}}, "), 1);
    // An inner name comes first; the one of the message does after that.
    for inner in [r#""Username": "amy""#, r#""Realm": "sip.example.org""#] {
        let body = with(inner);
        assert!(
            !skim(body.as_bytes()).unwrap().is_of(&report(&body)),
            "{body}"
        );
    }
    let body = with(r#""Username": "bob", "A": "{[\"\\\"", "B": []"#);
    assert!(
        skim(body.as_bytes()).unwrap().is_of(&report(&body)),
        "{body}"
    );
    // Nor is what a longer key says.
    for inner in [r#""\"Username": "amy""#, r#""\"Msg-ID": "1""#] {
        let body = body.replacen('{', &format!("{{{inner}, "), 1);
        let seen = skim(body.as_bytes()).unwrap();
        assert_eq!((seen.username, seen.masked.count), ("bob", 3), "{body}");
    }
    let spaced = body.replace(", \"Event-Timestamp\":", ", \"Event-Timestamp\" :");
    let longer = spaced.replacen('{', r#"{"\"Event-Timestamp": 1795425486, "#, 1);
    assert_eq!(skim(longer.as_bytes()), None);
    // Of two times neither is taken; of one that stands alone it matters where.
    let body = with(r#""Event-Timestamp": 1795425486"#);
    assert_eq!(skim(body.as_bytes()), None);
    let body = body.replace(", \"Event-Timestamp\":", ", \"Event-Timestamp\" :");
    let seen = skim(body.as_bytes()).unwrap();
    assert_eq!(seen.time, report(&body).time);
    assert!(!seen.is_of(&report(&body)), "{body}");
}

proptest! {
    /// Whatever the bytes: no panic; and if reading tells what looking does, it still does when
    /// what is left out is another.
    #[test]
    fn a_look_never_tells_otherwise_than_reading(
        at in 0_usize..1400,
        byte in prop_oneof![any::<u8>(), prop::sample::select(b"\"\\{}[]:, ".to_vec())],
        digit in b'0'..=b'9',
        cut in 0_usize..1400,
    ) {
        let mut body = refresh().into_bytes();
        if let Some(there) = body.get_mut(at) {
            *there = byte;
        }
        let _ = skim(body.get(..cut).unwrap_or(&body));
        let Some(seen) = skim(&body) else {
            return Ok(());
        };
        let Ok(Event::Registration(report)) = decode(&body, Limits::default()) else {
            return Ok(());
        };
        prop_assume!(seen.is_of(&report));
        let mut later = body.clone();
        for masked in seen.masked.ranges.iter().filter(|masked| !masked.is_empty()) {
            if masked.start == seen.time_at {
                later[masked.end - 1] = digit;
            } else {
                later[masked.clone()].fill(digit);
            }
        }
        let hasher = RandomState::new();
        let looked = skim(&later).unwrap();
        prop_assert_eq!(looked.fingerprint(&hasher), seen.fingerprint(&hasher));
        let Ok(Event::Registration(read)) = decode(&later, Limits::default()) else {
            panic!("{}", String::from_utf8_lossy(&later));
        };
        prop_assert!(looked.is_of(&read));
        let time = read.time;
        prop_assert_eq!(*read, Report { time, ..*report });
    }
}
