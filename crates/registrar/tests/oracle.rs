//! Event sequences with what Kazoo's own registrar and REST code make of them, played to ours.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use kapi::{Identity, Spelling, write_json};
use registrar::{
    Accounts, Bus, BusFuture, Delivery, Outcome, Publication, Receipt, Registrar, Settings,
};
use registration::{Clock as _, GREGORIAN_UNIX_OFFSET, ManualClock, UnixMillis, Zone};
use serde_json::{Value, value::RawValue};

/// The cases' moment of handling, Gregorian: their `@T0`.
const T0: u64 = 63_900_000_000;

/// What ours does on purpose otherwise, each told in docs/kazoo-compatibility.md: the case, and the
/// usernames that are registered afterwards.
const DIFFERENT: [(&str, &[&str]); 11] = [
    // A negative Expires is refused; Kazoo pads it to a lifetime of 2 s. (Both end with nobody.)
    ("016c-natural-expiry", &[]),
    // An Expires that is no number is refused; Kazoo pads the stored one once more.
    ("020b-expires-garbage-refresh", &["user_bob"]),
    // Realms compare without regard to case.
    ("032-mixed-case-realm-no-account-realm", &["User_Bob"]),
    // A contact nobody can parse harms nobody.
    ("046-malformed-contact-noproxy", &["ok", "user_bob"]),
    ("047-malformed-contact-proxy", &["user_bob"]),
    // App-Name is not needed to know who registered.
    ("052-missing-app-name", &["user_bob"]),
    // Nulls are absent, and a number is a good username.
    ("055-null-values", &["user_bob"]),
    ("056-numeric-username", &["1001"]),
    // A registration cannot have happened in the future.
    ("058-last-registration-given", &["user_bob"]),
    // An Account-ID that is none is left out.
    ("067-account-id-bad-format", &["user_bob"]),
    // An unregister of the contact before this one ends nothing.
    ("068-unregister-old-contact", &["user_bob"]),
];

struct NoBus;

impl Bus for NoBus {
    fn publish<'a>(&'a self, _: &'a Publication) -> BusFuture<'a> {
        Box::pin(async { Receipt::default() })
    }
}

fn registrar(clock: &Arc<ManualClock>) -> Registrar {
    let settings = Settings::new(Identity::new("rollcall@test").unwrap());
    Registrar::new(
        settings,
        Accounts::new([].into()),
        Arc::new(NoBus),
        Arc::<ManualClock>::clone(clock),
        Vec::new(),
    )
}

/// Plays a case's events; what HTTP then shows of the realm, by username.
fn play(case: &Value) -> BTreeMap<String, Value> {
    let clock = Arc::new(ManualClock::at(UnixMillis(
        (T0 - GREGORIAN_UNIX_OFFSET) * 1000,
    )));
    let registrar = registrar(&clock);
    for event in case["events"].as_array().unwrap() {
        if let Some(seconds) = event.get("@sleep_seconds").and_then(Value::as_u64) {
            clock.advance_millis(seconds * 1000);
            continue;
        }
        let mut event = event.clone();
        // The fixtures' own time is symbolic: it stands for the moment of handling.
        if event["Event-Timestamp"] == T0 {
            event["Event-Timestamp"] = clock.now().seconds().gregorian().into();
        }
        registrar.deliver(Delivery::new(
            &Zone::new("local"),
            event.to_string().as_bytes(),
        ));
    }
    let realm = case["query"]["Realm"].as_str().unwrap();
    registrar
        .cache()
        .find_in(Some(realm), None)
        .iter()
        .map(|held| {
            let (mut json, registration) = (Vec::new(), held.registration());
            write_json(&registration, Spelling::Http, &mut json);
            (
                registration.username.to_string(),
                serde_json::from_slice(&json).unwrap(),
            )
        })
        .collect()
}

/// `@T0` and `@T0+2` as numbers.
fn with_times(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("@T0") {
            Some("") => T0.into(),
            Some(later) => (T0 + later.trim_start_matches('+').parse::<u64>().unwrap()).into(),
            None => value.clone(),
        },
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), with_times(value)))
            .collect(),
        other => other.clone(),
    }
}

fn cases() -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/oracle");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with('0'));
    paths.sort();
    paths
        .iter()
        .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        .collect()
}

#[test]
fn every_case_shows_as_in_kazoo_or_differs_as_documented() {
    let cases = cases();
    assert!(cases.len() >= 49, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let shown = play(case);
        if let Some((_, usernames)) = DIFFERENT.iter().find(|(different, _)| *different == name) {
            if !shown.keys().eq(usernames.iter()) {
                wrong.push(format!("{name}: registered are {:?}", shown.keys()));
            }
            continue;
        }
        let expected: BTreeMap<_, _> = case["expected_registrations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| (r["username"].as_str().unwrap().to_owned(), with_times(r)))
            .collect();
        if shown != expected {
            wrong.push(format!("{name}:\n  ours  {shown:?}\n  Kazoo {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_difference_is_one_and_is_documented() {
    let documented = include_str!("../../../docs/kazoo-compatibility.md");
    let cases = cases();
    for (name, _) in DIFFERENT {
        assert!(
            cases.iter().any(|case| case["name"] == name),
            "{name} is no case"
        );
        assert!(documented.contains(name), "{name} is not documented");
    }
}

/// Questions as Crossbar puts them, with the answers that Kazoo's registrar gave. What differs on
/// purpose: asked for a field that its schema does not list, or without a realm, Kazoo crashes or
/// answers at random; and `Count-Only: false` is as good as none.
#[test]
fn questions_are_answered_as_by_kazoo() {
    let clock = Arc::new(ManualClock::at(UnixMillis(
        (T0 - GREGORIAN_UNIX_OFFSET) * 1000,
    )));
    let registrar = registrar(&clock);
    let recorded = include_str!("../../../fixtures/oracle/amqp-query.json");
    let cases: Vec<Value> = serde_json::from_str(recorded).unwrap();
    let raw: Vec<Recorded<'_>> = serde_json::from_str(recorded).unwrap();
    for event in events_behind(&cases) {
        let outcome = registrar.deliver(Delivery::new(
            &Zone::new("local"),
            event.to_string().as_bytes(),
        ));
        assert!(matches!(outcome, Outcome::Stored(_)), "{outcome:?}");
    }
    clock.advance_millis(42_000);
    let mut compared = 0;
    for (case, raw) in cases.iter().zip(&raw) {
        let name = case["case"].as_str().unwrap();
        let outcome = registrar.deliver(Delivery::new(
            &Zone::new("local"),
            case["request"].to_string().as_bytes(),
        ));
        match name {
            "realm-missing" | "no-server-id" | "no-msg-id" => {
                assert!(
                    matches!(outcome, Outcome::Rejected(_)),
                    "{name}: {outcome:?}"
                );
                continue;
            }
            _ => {}
        }
        let Outcome::Asked(query) = outcome else {
            panic!("{name}: {outcome:?}")
        };
        let answer = registrar.answer(&query).unwrap();
        assert_eq!(
            (answer.exchange, answer.routing_key.as_str()),
            ("targeted", "client-queue-1")
        );
        let ours: Value = serde_json::from_slice(&answer.body).unwrap();
        if let Some(published) = case["published"].get(0) {
            assert_eq!(
                comparable(&ours),
                comparable(&with_times(&published["payload"])),
                "{name}"
            );
            let raw = raw.published.as_ref().unwrap();
            let theirs = raw[0].payload.get();
            assert_eq!(
                bytes_of(std::str::from_utf8(&answer.body).unwrap()),
                bytes_of(theirs),
                "{name}"
            );
            compared += 1;
        } else {
            assert_eq!(ours["Event-Name"], "reg_query_resp", "{name}");
        }
    }
    assert_eq!(compared, 9);
}

/// A case with its answers as they stand there, to the byte.
#[derive(serde::Deserialize)]
struct Recorded<'a> {
    #[serde(borrow)]
    published: Option<Vec<RawAnswer<'a>>>,
}

#[derive(serde::Deserialize)]
struct RawAnswer<'a> {
    #[serde(borrow)]
    payload: &'a RawValue,
}

#[derive(serde::Deserialize)]
struct RawFields<'a> {
    #[serde(borrow, rename = "Fields", default)]
    fields: Vec<&'a RawValue>,
}

/// An answer's bytes without the recording's indentation, and with what every node has its own of
/// made one; its registrations in order, each in its own bytes.
fn bytes_of(answer: &str) -> (String, Vec<String>) {
    let own = |text: String| {
        let mut text = text.replace("\"@T0\"", &T0.to_string());
        for header in ["Node", "App-Version"] {
            let from = text.find(&format!("\"{header}\":"));
            if let Some(from) = from {
                let length = text[from..].find([',', '}']).unwrap();
                text.replace_range(from..from + length, &format!("\"{header}\":0"));
            }
        }
        text
    };
    let RawFields { fields } = serde_json::from_str(answer).unwrap();
    let mut fields: Vec<_> = fields.iter().map(|r| own(minified(r.get()))).collect();
    fields.sort();
    let answer = minified(answer);
    let around = match answer.split_once("\"Fields\":[") {
        Some((head, rest)) => format!("{head}{}", &rest[rest.find("],").unwrap()..]),
        None => answer,
    };
    (own(around), fields)
}

/// Without the blanks between tokens.
fn minified(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut keep = |c: char| {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return true;
        }
        quoted = c == '"';
        !c.is_whitespace()
    };
    json.chars().filter(|c| keep(*c)).collect()
}

/// An answer without what every node has its own of, its registrations in order.
fn comparable(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for own in ["Node", "App-Version"] {
        answer[own] = Value::Null;
    }
    if let Some(fields) = answer.get_mut("Fields").and_then(Value::as_array_mut) {
        *fields = fields.iter().map(with_times).collect();
        fields.sort_by_key(|r| r["Username"].as_str().unwrap_or_default().to_owned());
    }
    answer
}

/// The events that make the table which the questions were put to.
fn events_behind(cases: &[Value]) -> Vec<Value> {
    let all = cases.iter().find(|case| case["case"] == "all").unwrap();
    let registrations = all["published"][0]["payload"]["Fields"].as_array().unwrap();
    registrations
        .iter()
        .map(|r| {
            let mut event = r.clone();
            event["Event-Category"] = "directory".into();
            event["Event-Name"] = "reg_success".into();
            event["Event-Timestamp"] = T0.into();
            event["Expires"] = 300.into();
            for symbolic in ["Initial-Registration", "Last-Registration"] {
                event.as_object_mut().unwrap().remove(symbolic);
            }
            event
        })
        .collect()
}
