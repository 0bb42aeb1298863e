//! Real messages, broken ones, and any bytes.

use ::registration::{AccountData, AccountId, Lifetime, Report, UnixSeconds};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{reply::MAX_ANSWERS, search::MAX_FOUND, *};

fn read(body: &[u8]) -> Result<Event, Reject> {
    decode(body, Limits::default())
}

fn report(body: &[u8]) -> Report {
    match read(body) {
        Ok(Event::Registration(report)) => *report,
        other => panic!("no registration: {other:?}"),
    }
}

fn capture(text: &str) -> Vec<u8> {
    let capture: Value = serde_json::from_str(text).unwrap();
    capture["body"].as_str().unwrap().as_bytes().to_vec()
}

macro_rules! captured {
    ($name:literal) => {
        capture(include_str!(concat!(
            "../../../../fixtures/captures/case-",
            $name,
            ".json"
        )))
    };
}

fn good() -> Value {
    serde_json::from_slice(&captured!("reg-success-registered-first")).unwrap()
}

fn with(key: &str, value: Value) -> Vec<u8> {
    let mut body = good();
    body[key] = value;
    serde_json::to_vec(&body).unwrap()
}

#[test]
fn a_real_first_registration() {
    let report = report(&captured!("reg-success-registered-first"));
    assert_eq!(&*report.username, "bob");
    assert_eq!(&*report.realm, "sip.example.com");
    assert_eq!(report.time, UnixSeconds(1_795_425_485));
    assert_eq!(report.lifetime, Lifetime::Seconds(600));
    assert_eq!(
        report.account.id.as_ref().map(AccountId::as_str),
        Some("be9b112cbc2b01bf6b99e832843ae10b")
    );
    assert_eq!(
        report.account.name.as_deref(),
        Some("Lab \"sip.example.com\" & Söhne")
    );
    assert_eq!(report.suppress_unregister_notify, Some(false));
    assert_eq!(report.register_overwrite_notify, Some(true));
    assert_eq!(report.proxy.port, Some(5060));
    assert_eq!(
        report.registrar_node.as_deref(),
        Some("kamailio@kam1.lab.local")
    );
    assert_eq!(report.user_agent.as_deref(), Some("labphone/1.0"));
}

#[test]
fn real_odd_ones() {
    assert_eq!(
        report(&captured!("reg-success-unregistered-expires-0")).lifetime,
        Lifetime::Ended
    );
    assert_eq!(
        &*report(&captured!("reg-success-unregistered-contact")).contact,
        "*"
    );
    assert_eq!(
        report(&captured!("reg-success-no-ccvs")).account,
        AccountData::default()
    );
    assert_eq!(
        &*report(&captured!(
            "reg-success-from-query-register-while-bound-contact-null"
        ))
        .contact,
        "<null>"
    );
    assert_eq!(
        &*report(&captured!("reg-success-utf8-user-mangled-routing-key")).username,
        "ü"
    );
}

#[test]
fn real_flushes() {
    let flush = |body: Vec<u8>| match read(&body) {
        Ok(Event::Flush(flush, _)) => (
            flush.realm.to_string(),
            flush.username.map(|u| u.to_string()),
            flush.cache_only,
        ),
        other => panic!("no flush: {other:?}"),
    };
    let realm = "f.example.com".to_owned();
    assert_eq!(
        flush(captured!("reg-flush-realm")),
        (realm.clone(), None, false)
    );
    assert_eq!(
        flush(captured!("reg-flush-user")),
        (realm, Some("u1".into()), false)
    );
    assert!(flush(captured!("reg-flush-cache-only")).2);
}

#[test]
fn messages_of_others_are_no_concern() {
    for body in [
        r#"{"Event-Category":"directory","Event-Name":"reg-flush","Realm":"a"}"#,
        r#"{"a":{"b":[1]}}"#,
        "{}",
    ] {
        assert_eq!(read(body.as_bytes()), Ok(Event::Other), "{body}");
    }
    assert_eq!(
        read(&captured!("authn-req-kamailio-registrar-exchange")),
        Ok(Event::Other)
    );
}

#[test]
fn scalars_of_any_spelling() {
    assert_eq!(
        report(&with("Expires", json!("600"))).lifetime,
        Lifetime::Seconds(600)
    );
    assert_eq!(
        report(&with("Expires", json!("0"))).lifetime,
        Lifetime::Ended
    );
    assert_eq!(
        report(&with("Expires", json!(300.7))).lifetime,
        Lifetime::Seconds(301)
    );
    assert_eq!(
        report(&with("Proxy-Port", json!(5062))).proxy.port,
        Some(5062)
    );
    assert_eq!(report(&with("Proxy-Port", json!("abc"))).proxy.port, None);
    assert_eq!(&*report(&with("Username", json!(1001))).username, "1001");
    assert_eq!(
        report(&with("Event-Timestamp", json!(63_962_644_685_u64))).time,
        UnixSeconds(1_795_425_485)
    );
    assert_eq!(report(&with("User-Agent", Value::Null)).user_agent, None);
    assert_eq!(
        report(&with("Custom-Channel-Vars", json!("{}"))).account,
        AccountData::default()
    );
    assert_eq!(
        report(&with("Custom-Channel-Vars", json!([1]))).account,
        AccountData::default()
    );
    assert_eq!(
        report(&with("Register-Overwrite-Notify", json!("false"))).register_overwrite_notify,
        Some(false)
    );
}

#[test]
fn the_top_level_wins_over_the_channel_variables() {
    let id = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
    assert_eq!(
        report(&with("Account-ID", json!(id)))
            .account
            .id
            .unwrap()
            .as_str(),
        id
    );
    assert_eq!(
        report(&with("Owner-ID", json!("x")))
            .account
            .owner_id
            .as_deref(),
        Some("x")
    );
}

#[test]
fn an_account_id_that_is_none_is_left_out() {
    assert_eq!(report(&with("Account-ID", json!("short"))).account.id, None);
}

#[test]
fn refusals_say_what_and_why() {
    let refused = |body: &[u8]| read(body).unwrap_err();
    assert_eq!(refused(b"").reason(), "not_json");
    assert_eq!(refused(b"\x00\x01garbage").reason(), "not_json");
    assert_eq!(refused(b"{\"a\":").reason(), "not_json");
    assert_eq!(refused(b"[1,2]"), Reject::NotAnObject);
    assert_eq!(refused(b"\"text\""), Reject::NotAnObject);
    assert_eq!(refused(&vec![b' '; 5 << 20]).reason(), "too_large");
    assert_eq!(
        refused(format!("{{\"a\":{}", "[".repeat(50_000)).as_bytes()).reason(),
        "not_json"
    );
    for header in ["Realm", "Username", "Contact", "Expires", "Event-Timestamp"] {
        let mut body = good();
        body.as_object_mut().unwrap().remove(header);
        assert_eq!(
            refused(&serde_json::to_vec(&body).unwrap()),
            Reject::Missing(header)
        );
    }
    for (header, value) in [
        ("Expires", json!("abc")),
        ("Expires", json!(-178)),
        ("Expires", json!(1e300)),
        ("Expires", json!([])),
        ("Realm", json!("")),
        // The AOR would be another's: a username may hold one.
        ("Realm", json!("b@sip.example.com")),
        ("Username", json!({})),
        ("Event-Timestamp", json!("soon")),
        ("Event-Timestamp", json!(-1)),
    ] {
        let error = refused(&with(header, value.clone()));
        assert!(error.to_string().contains(header), "{error}");
        assert_eq!(error.reason(), "bad_value", "{header} {value}");
    }
    assert_eq!(
        refused(br#"{"Event-Category":"directory","Event-Name":"reg_flush"}"#),
        Reject::Missing("Realm")
    );
}

#[test]
fn refusals_are_short() {
    let long = "x\n".repeat(50_000);
    let found = |registrations: Value| json!({"Event-Category": "registration", "Event-Name": "search_partial_resp", "Msg-ID": "m", "Registrations": registrations});
    for body in [found(json!(long)), found(json!([{"AOR": long}]))] {
        let error = read(&serde_json::to_vec(&body).unwrap()).unwrap_err();
        let said = error.to_string();
        assert!(said.len() < 500, "{} bytes: {said:.100}", said.len());
    }
}

#[test]
fn of_long_lists_only_so_much_is_kept() {
    let limits = Limits {
        max_body_bytes: usize::MAX,
    };
    let message = |category: &str, name: &str, list: &str, item: &str, count: usize| {
        let items = vec![item; count].join(",");
        format!(
            r#"{{"Event-Category":"{category}","Event-Name":"{name}","Realm":"r","Msg-ID":"m","Server-ID":"s","{list}":[{items}]}}"#
        )
    };
    let record = r#"{"Username":"u","Realm":"r","Contact":"c","Expires":1,"Event-Timestamp":1}"#;
    for (category, name, list, item, limit) in [
        ("directory", "reg_query", "Fields", "\"Realm\"", MAX_FIELDS),
        ("directory", "reg_query", "Fields", "1", MAX_FIELDS),
        ("directory", "reg_query_resp", "Fields", record, MAX_ANSWERS),
        (
            "registration",
            "search_partial_resp",
            "Registrations",
            "\"u@r\"",
            MAX_FOUND,
        ),
    ] {
        let most = message(category, name, list, item, limit);
        assert!(decode(most.as_bytes(), limits).is_ok(), "{name}");
        let more = message(category, name, list, item, limit + 1);
        let refused = decode(more.as_bytes(), limits).unwrap_err();
        assert_eq!(
            refused,
            Reject::TooMany {
                header: list,
                limit
            }
        );
        assert_eq!(refused.reason(), "too_many");
    }
    // What is not kept does not count: one realm after another of a large table.
    let realms = message(
        "directory",
        "reg_query_resp",
        "Fields",
        r#"{"Realm":"r"}"#,
        MAX_ANSWERS + 1,
    );
    assert!(decode(realms.as_bytes(), limits).is_ok());
    let elsewhere = message("directory", "reg_success", "Fields", "1", MAX_FIELDS + 1);
    assert_eq!(
        decode(elsewhere.as_bytes(), limits),
        Err(Reject::Missing("Contact"))
    );
}

#[test]
fn no_depth_is_too_deep() {
    let deep = format!("{}{}", "[{\"a\":".repeat(50_000), "}]".repeat(50_000)).replace(":}", ":1}");
    for header in ["Unknown", "User-Agent", "Custom-Channel-Vars", "Fields"] {
        let value = serde_json::value::RawValue::from_string(deep.clone()).unwrap();
        let body = format!(
            "{{\"{header}\":{value},{}",
            String::from_utf8(with("x", Value::Null))
                .unwrap()
                .strip_prefix('{')
                .unwrap()
        );
        let limits = Limits {
            max_body_bytes: usize::MAX,
        };
        match decode(body.as_bytes(), limits) {
            Ok(Event::Registration(report)) => assert_eq!(&*report.username, "bob"),
            // It is there already.
            Err(Reject::NotJson(error)) => assert!(error.contains("duplicate field"), "{error}"),
            other => panic!("{header}: {other:?}"),
        }
    }
}

#[test]
fn a_header_that_is_there_twice_is_refused() {
    let body = String::from_utf8(with("x", Value::Null)).unwrap();
    let twice = body.replacen('{', "{\"Username\":\"eve\",", 1);
    let error = read(twice.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("duplicate field `Username`"), "{error}");
    let twice = body.replacen('{', r#"{"Event\u002dTimestamp":1,"#, 1);
    let error = read(twice.as_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("duplicate field `Event-Timestamp`"),
        "{error}"
    );
}

#[test]
fn nothing_but_an_answer_is_mended() {
    let body = String::from_utf8(with("Msg-ID", "search_partial_resp".into())).unwrap();
    let broken = body.replacen('{', r#"{"Registrations":[bob@sip.example.com],"#, 1);
    assert!(matches!(read(broken.as_bytes()), Err(Reject::NotJson(_))));
}

#[test]
fn stray_bytes_are_mended_outside_of_names() {
    let body = captured!("reg-success-registered-first");
    let replace = |from: &[u8], to: &[u8]| -> Vec<u8> {
        let at = body
            .windows(from.len())
            .position(|window| window == from)
            .unwrap();
        [&body[..at], to, &body[at + from.len()..]].concat()
    };
    let latin1 = report(&replace(b"labphone\\/1.0", b"T\xe9l\xe9phone"));
    assert_eq!(
        latin1.user_agent.as_deref(),
        Some("T\u{fffd}l\u{fffd}phone")
    );
    assert_eq!(
        read(&replace(
            b"\"Username\": \"bob\"",
            b"\"Username\": \"b\xf6b\""
        )),
        Err(Reject::NotUtf8)
    );
    assert_eq!(read(b"\xff\xfe\xfd"), Err(Reject::NotUtf8));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&body);
    }

    #[test]
    fn any_mutation_of_a_real_body_is_survived(at in 0usize..1600, byte in any::<u8>()) {
        let mut body = captured!("reg-success-registered-first");
        let at = at % body.len();
        body[at] = byte;
        let _ = read(&body);
    }
}
