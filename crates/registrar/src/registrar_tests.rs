//! Events in, answers out, flushes confirmed before anything is forgotten.

use std::collections::HashMap;

use kapi::{Identity, Query};
use registration::{AccountId, Aor, ManualClock, UnixMillis};
use serde_json::{Value, json};

use super::*;
use crate::{
    FlushError, MAX_ANSWERED, TooManyToAnswer,
    fakes::{ACCOUNT, Memory, REALM, T0},
};

fn with_clock() -> (Registrar, Arc<Memory>, Arc<ManualClock>) {
    let bus = Arc::new(Memory::default());
    let settings = Settings::new(Identity::new("rollcall@test").unwrap());
    let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
    let registrar = Registrar::new(
        settings,
        Accounts::new(HashMap::new()),
        Arc::<Memory>::clone(&bus),
        Arc::<ManualClock>::clone(&clock),
        Vec::new(),
    );
    (registrar, bus, clock)
}

fn registrar(configured: HashMap<AccountId, Vec<String>>) -> (Registrar, Arc<Memory>) {
    let bus = Arc::new(Memory::default());
    let settings = Settings::new(Identity::new("rollcall@test").unwrap());
    let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
    (
        Registrar::new(
            settings,
            Accounts::new(configured),
            Arc::<Memory>::clone(&bus),
            clock,
            Vec::new(),
        ),
        bus,
    )
}

fn event(username: &str, realm: &str, account: Option<&str>, expires: u32) -> Vec<u8> {
    serde_json::to_vec(&json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": T0,
        "Expires": expires, "Contact": format!("<sip:{username}@192.0.2.1>"), "Realm": realm, "Username": username,
        "Custom-Channel-Vars": {"Account-ID": account, "Account-Realm": account.map(|_| REALM)},
    }))
    .unwrap()
}

fn flush(realm: &str, username: Option<&str>, more: (&str, Value)) -> Vec<u8> {
    let mut body =
        json!({"Event-Category": "directory", "Event-Name": "reg_flush", "Realm": realm});
    if let Some(username) = username {
        body["Username"] = username.into();
    }
    body[more.0] = more.1;
    serde_json::to_vec(&body).unwrap()
}

fn id() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

fn users(registrar: &Registrar) -> Vec<String> {
    let scope = registrar.scope(&id(), None).unwrap();
    let list = registrar.list(&scope);
    let mut users: Vec<_> = list.iter().map(|held| held.username().to_owned()).collect();
    users.sort();
    assert_eq!(registrar.count(&scope), users.len());
    users
}

fn with_phones() -> (Registrar, Arc<Memory>) {
    let (registrar, bus) = registrar(HashMap::new());
    for (username, realm) in [
        ("zed", REALM),
        ("Bob", "Main.Example.com"),
        ("amy", "device.example.com"),
    ] {
        deliver(&registrar, &event(username, realm, Some(ACCOUNT), 600));
    }
    (registrar, bus)
}

fn deliver(registrar: &Registrar, body: &[u8]) -> Outcome {
    registrar.deliver(Delivery::new(&Zone::new("local"), body))
}

#[test]
fn an_account_is_known_by_its_registrations_or_by_configuration() {
    let (empty, _) = registrar(HashMap::from([(id(), vec!["Main.Example.COM".into()])]));
    assert!(users(&empty).is_empty());
    deliver(&empty, &event("anon", REALM, None, 600));
    assert_eq!(
        users(&empty),
        ["anon"],
        "by realm, though nobody said whose it is"
    );
    let (unknown, _) = registrar(HashMap::new());
    assert_eq!(unknown.scope(&id(), None), None);
    let (phones, _) = with_phones();
    assert_eq!(users(&phones), ["Bob", "amy", "zed"]);
    deliver(
        &phones,
        &flush("main.example.com", None, ("Node", "other".into())),
    );
    assert!(
        users(&phones).is_empty(),
        "known still, though nobody is registered"
    );
}

#[test]
fn flushes_of_others_are_obeyed() {
    let (registrar, _) = with_phones();
    assert_eq!(
        deliver(
            &registrar,
            &flush(
                "MAIN.example.com",
                Some("bob"),
                ("Cache-Only", "true".into())
            )
        ),
        Outcome::CredentialFlush
    );
    assert_eq!(users(&registrar).len(), 3);
    assert_eq!(
        deliver(
            &registrar,
            &flush(
                "MAIN.example.com",
                Some("bOB"),
                ("Cache-Only", false.into())
            )
        ),
        Outcome::Flushed(1)
    );
    assert_eq!(users(&registrar), ["amy", "zed"]);
    assert_eq!(
        deliver(
            &registrar,
            &flush("elsewhere.example.com", None, ("Node", "x".into()))
        ),
        Outcome::Flushed(0)
    );
    assert_eq!(
        deliver(
            &registrar,
            &flush("main.example.com", None, ("Node", "x".into()))
        ),
        Outcome::Flushed(2)
    );
    assert_eq!(registrar.metrics().of("flush", "applied"), 3);
}

#[tokio::test]
async fn a_flush_of_one_is_published_lower_cased_then_forgotten() {
    let (registrar, bus) = with_phones();
    let scope = registrar.scope(&id(), None).unwrap();
    assert_eq!(
        registrar
            .flusher()
            .flush_username(&scope, "BOB", false)
            .await
            .unwrap()
            .forgotten,
        1
    );
    let sent = bus.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].0, "registration.flush.main%2Eexample%2Ecom");
    // And the phone is told to come back.
    assert_eq!(sent[1].0, "switch.notify.Main%2EExample%2Ecom.Bob");
    assert_eq!(
        (sent[0].1["Realm"].as_str(), sent[0].1["Username"].as_str()),
        (Some("main.example.com"), Some("bob"))
    );
    assert_eq!(users(&registrar), ["amy", "zed"]);
    // It comes back through our own queue, after the phone has: that must change nothing.
    deliver(
        &registrar,
        &event("Bob", "Main.Example.com", Some(ACCOUNT), 600),
    );
    assert_eq!(
        deliver(&registrar, &bus.sent.lock().unwrap()[0].body.clone()),
        Outcome::OwnFlush
    );
    assert_eq!(users(&registrar).len(), 3);
}

#[tokio::test]
async fn a_flush_of_all_names_phones_in_other_realms_one_by_one() {
    let (registrar, bus) = with_phones();
    deliver(
        &registrar,
        &event("o'x", "device.example.com", Some(ACCOUNT), 600),
    );
    deliver(
        &registrar,
        &event("stranger", "device.example.com", None, 600),
    );
    let scope = registrar.scope(&id(), None).unwrap();
    registrar.flusher().flush_account(&scope).await.unwrap();
    let sent: Vec<_> = bus
        .sent()
        .iter()
        .map(|(_, b)| (b["Realm"].clone(), b.get("Username").cloned()))
        .collect();
    assert_eq!(
        sent,
        [
            (json!(REALM), None),
            (json!("device.example.com"), Some(json!("amy")))
        ]
    );
    assert!(users(&registrar).is_empty());
    assert!(
        registrar
            .cache()
            .get(&Aor::new("stranger", "device.example.com"))
            .is_some(),
        "not of this account"
    );
}

#[tokio::test]
async fn what_is_too_young_to_be_found_is_flushed_again_unless_it_is_back() {
    let (registrar, bus, clock) = with_clock();
    for user in ["amy", "bob", "zed"] {
        deliver(&registrar, &event(user, REALM, Some(ACCOUNT), 600));
    }
    let scope = registrar.scope(&id(), None).unwrap();
    let flushed = registrar.flusher().flush_account(&scope).await.unwrap();
    assert_eq!((flushed.forgotten, flushed.repeated), (3, 3));
    clock.advance_millis(1_000);
    let mut back: Value = serde_json::from_slice(&event("zed", REALM, Some(ACCOUNT), 600)).unwrap();
    back["Event-Timestamp"] = json!(T0 + 1);
    deliver(&registrar, back.to_string().as_bytes());
    bus.sent.lock().unwrap().clear();
    clock.advance_millis(5_200);
    let soon = std::time::Duration::from_millis(200);
    assert!(
        tokio::time::timeout(soon, registrar.flusher().repeat())
            .await
            .is_err()
    );
    let sent = bus.sent();
    let names = sent
        .iter()
        .map(|(_, flush)| flush["Username"].as_str().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    assert_eq!(names, ["amy", "amy", "bob", "bob"]);
}

#[tokio::test]
async fn what_is_old_enough_is_flushed_once() {
    let (registrar, _, clock) = with_clock();
    deliver(&registrar, &event("bob", REALM, Some(ACCOUNT), 600));
    clock.advance_millis(6_200);
    let scope = registrar.scope(&id(), None).unwrap();
    let flushed = registrar.flusher().flush_account(&scope).await.unwrap();
    assert_eq!((flushed.forgotten, flushed.repeated), (1, 0));
}

#[test]
fn a_clock_that_runs_ahead_is_counted() {
    let (registrar, _, clock) = with_clock();
    deliver(&registrar, &event("bob", REALM, Some(ACCOUNT), 600));
    assert_eq!(registrar.metrics().of("clock", "ahead"), 0);
    let now = clock.now().seconds().0;
    let mut ahead: Value =
        serde_json::from_slice(&event("amy", REALM, Some(ACCOUNT), 600)).unwrap();
    ahead["Event-Timestamp"] = json!(now + 61);
    deliver(&registrar, ahead.to_string().as_bytes());
    assert_eq!(registrar.metrics().of("clock", "ahead"), 1);
    let amy = registrar
        .cache()
        .get(&Aor::new("amy", REALM))
        .unwrap()
        .registration();
    assert_eq!(amy.last_registration.0, now);
}

#[tokio::test]
async fn nothing_is_forgotten_while_no_broker_takes_the_flush() {
    let (registrar, bus) = with_phones();
    let scope = registrar.scope(&id(), None).unwrap();
    *bus.down.lock().unwrap() = true;
    for result in [
        registrar.flusher().flush_account(&scope).await,
        registrar
            .flusher()
            .flush_username(&scope, "bob", false)
            .await,
    ] {
        assert!(
            matches!(result, Err(FlushError::Unreachable { forgotten: 0, .. })),
            "{result:?}"
        );
    }
    assert_eq!(users(&registrar).len(), 3);
}

#[tokio::test]
async fn dangerous_and_unknown_names_are_not_sent() {
    let (registrar, bus) = with_phones();
    let scope = registrar.scope(&id(), None).unwrap();
    for name in ["x' or 'a'='a", "o'x", "", "a;b", &"x".repeat(256)] {
        for force in [false, true] {
            let result = registrar
                .flusher()
                .flush_username(&scope, name, force)
                .await;
            assert!(
                matches!(
                    result,
                    Err(FlushError::Unsafe {
                        what: "username",
                        ..
                    })
                ),
                "{name}"
            );
        }
    }
    assert_eq!(
        registrar
            .flusher()
            .flush_username(&scope, "nobody", false)
            .await,
        Err(FlushError::NotRegistered("nobody".into()))
    );
    assert!(bus.sent().is_empty());
    registrar
        .flusher()
        .flush_username(&scope, "Nobody", true)
        .await
        .unwrap();
    assert_eq!(bus.sent()[0].1["Username"], "nobody");
}

#[test]
fn refused_bodies_are_counted_and_the_next_is_applied() {
    let (registrar, _) = registrar(HashMap::new());
    for body in [
        &b"junk"[..],
        b"[]",
        b"\xff",
        br#"{"Event-Category":"directory","Event-Name":"reg_success"}"#,
    ] {
        assert!(matches!(deliver(&registrar, body), Outcome::Rejected(_)));
    }
    let rejected: u64 = registrar
        .metrics()
        .counts()
        .filter(|(kind, ..)| *kind == "rejected")
        .map(|(.., count)| count)
        .sum();
    assert_eq!(rejected, 4);
    deliver(&registrar, &event("bob", REALM, Some(ACCOUNT), 600));
    assert_eq!(users(&registrar), ["bob"]);
}

#[test]
fn what_no_broker_would_take_is_not_answered() {
    let (registrar, _) = registrar(HashMap::new());
    for number in 0..=MAX_ANSWERED {
        let body = format!(
            "{{\"Event-Category\":\"directory\",\"Event-Name\":\"reg_success\",\"Event-Timestamp\":{T0},\"Expires\":60,\
             \"Contact\":\"<sip:{number}@a>\",\"Realm\":\"{}.a\",\"Username\":\"{number}\"}}",
            number % 1000
        );
        deliver(&registrar, body.as_bytes());
    }
    let all = Query::default();
    assert_eq!(registrar.answer(&all), Err(TooManyToAnswer));
    let count_only = true;
    let count = registrar
        .answer(&Query {
            count_only,
            ..all.clone()
        })
        .unwrap();
    let count: Value = serde_json::from_slice(&count.body).unwrap();
    assert_eq!(count["Count"], json!(MAX_ANSWERED + 1));
    let one = registrar
        .answer(&Query {
            realm: Some("0.a".into()),
            ..all
        })
        .unwrap();
    let one: Value = serde_json::from_slice(&one.body).unwrap();
    assert_eq!(one["Fields"].as_array().map(Vec::len), Some(201));
}

/// Found by its AOR in each realm: the table is not gone through.
#[test]
fn a_username_is_found_once_in_each_realm() {
    let (registrar, _) = with_phones();
    deliver(&registrar, &event("BOB", "other.example.com", None, 600));
    deliver(
        &registrar,
        &event("bob", "device.example.com", Some(ACCOUNT), 600),
    );
    let found = registrar.cache().find_in(None, Some("boB"));
    let mut realms: Vec<_> = found.iter().map(EntryRef::realm).collect();
    realms.sort_unstable();
    assert_eq!(
        realms,
        [
            "Main.Example.com",
            "device.example.com",
            "other.example.com"
        ]
    );
    assert!(registrar.cache().find_in(None, Some("nobody")).is_empty());
    assert_eq!(registrar.cache().count_in(None), 5);
}
