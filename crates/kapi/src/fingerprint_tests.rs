//! A scan tells what parsing tells, and the values it skips change nothing else.

use std::{ops::Range, sync::LazyLock};

use proptest::prelude::*;
use registration::Report;
use serde_json::Value;

use super::*;
use crate::{Event, Limits, decode};

fn scan(body: &[u8]) -> Option<Scan<'_>> {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    Scan::of(body, &KEY)
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
    let seen = scan(body.as_bytes()).unwrap();
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
    let body = refresh();
    let print = |body: &str| scan(body.as_bytes()).map(|seen| seen.fingerprint);
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
fn what_must_be_parsed_is_not_scanned() {
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
        assert_eq!(scan(body.as_bytes()), None, "{new}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "{\"Username\": \"a\"",
        "{\"a\": 1} {",
        "null",
    ] {
        assert_eq!(scan(body.as_bytes()), None, "{body}");
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
    assert!(scan(body.as_bytes()).unwrap().is_of(&report(&body)));
    let with = |inner: &str| body.replacen('{', &format!("{{\"Inner\": {{{inner}}}, "), 1);
    // An inner name comes first; the one of the message does after that.
    for inner in [r#""Username": "amy""#, r#""Realm": "sip.example.org""#] {
        let body = with(inner);
        assert!(
            !scan(body.as_bytes()).unwrap().is_of(&report(&body)),
            "{body}"
        );
    }
    let body = with(r#""Username": "bob", "A": "{[\"\\\"", "B": []"#);
    assert!(
        scan(body.as_bytes()).unwrap().is_of(&report(&body)),
        "{body}"
    );
    // Nor is what a longer key says.
    for inner in [r#""\"Username": "amy""#, r#""\"Msg-ID": "1""#] {
        let body = body.replacen('{', &format!("{{{inner}, "), 1);
        let seen = scan(body.as_bytes()).unwrap();
        assert_eq!(seen.username, "bob", "{body}");
        let other = body.replacen("1\"", "2\"", 1).replacen("amy", "ann", 1);
        let other = scan(other.as_bytes()).unwrap();
        assert_ne!(other.fingerprint, seen.fingerprint, "{body}");
    }
    let spaced = body.replace(", \"Event-Timestamp\":", ", \"Event-Timestamp\" :");
    let longer = spaced.replacen('{', r#"{"\"Event-Timestamp": 1795425486, "#, 1);
    assert_eq!(scan(longer.as_bytes()), None);
    // Of two times neither is taken; of one that stands alone it matters where.
    let body = with(r#""Event-Timestamp": 1795425486"#);
    assert_eq!(scan(body.as_bytes()), None);
    let body = body.replace(", \"Event-Timestamp\":", ", \"Event-Timestamp\" :");
    let seen = scan(body.as_bytes()).unwrap();
    assert_eq!(seen.time, report(&body).time);
    assert!(!seen.is_of(&report(&body)), "{body}");
}

/// Where the values are that a scan skips, by a way of its own: of the time the last digit, since it
/// must not begin with a zero.
fn skipped(body: &[u8]) -> Vec<Range<usize>> {
    let after = |key: &str| {
        let places = (0..body.len()).filter(move |at| body[*at..].starts_with(key.as_bytes()));
        let value = |at: usize| {
            let spaces = body[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace());
            at + spaces.count()
        };
        let key = key.len();
        places.map(move |at| value(at + key)).collect::<Vec<_>>()
    };
    let length = |at: usize, is_in: fn(u8) -> bool| {
        body[at..].iter().take_while(|byte| is_in(**byte)).count()
    };
    let mut skipped = Vec::new();
    for at in after("\"Event-Timestamp\":") {
        let end = at + length(at, |byte| byte.is_ascii_digit());
        skipped.push(end - 1..end);
    }
    for key in ["\"Msg-ID\":", "\"Server-ID\":"] {
        let ids = after(key).into_iter();
        skipped.extend(ids.map(|at| at + 1..at + 1 + length(at + 1, |byte| byte != b'"')));
    }
    skipped
}

proptest! {
    /// No bytes make it panic. If parsing finds what scanning did, it still does when the skipped
    /// values are others.
    #[test]
    fn a_scan_never_differs_from_parsing(
        at in 0_usize..1400,
        byte in prop_oneof![any::<u8>(), prop::sample::select(b"\"\\{}[]:, ".to_vec())],
        digit in b'0'..=b'9',
        cut in 0_usize..1400,
    ) {
        let mut body = refresh().into_bytes();
        if let Some(there) = body.get_mut(at) {
            *there = byte;
        }
        let _ = scan(body.get(..cut).unwrap_or(&body));
        let Some(seen) = scan(&body) else {
            return Ok(());
        };
        let Ok(Event::Registration(report)) = decode(&body, Limits::default()) else {
            return Ok(());
        };
        prop_assume!(seen.is_of(&report));
        let mut later = body.clone();
        for value in skipped(&body) {
            later[value].fill(digit);
        }
        let again = scan(&later).unwrap();
        prop_assert_eq!(again.fingerprint, seen.fingerprint);
        let Ok(Event::Registration(parsed)) = decode(&later, Limits::default()) else {
            panic!("{}", String::from_utf8_lossy(&later));
        };
        prop_assert!(again.is_of(&parsed));
        let time = parsed.time;
        prop_assert_eq!(*parsed, Report { time, ..*report });
    }
}
