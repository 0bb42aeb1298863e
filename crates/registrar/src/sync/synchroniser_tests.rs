//! What is asked for when a zone comes up, and what becomes of the answers.

use serde_json::{Value, json};

use super::super::peers::MAX_IN_ONE;
use super::*;
use crate::{
    LinkState,
    fakes::{ACCOUNT, NODE, REALM, T0, World, targeted},
};

const GREGORIAN: u64 = 62_167_219_200;

fn record(username: &str, realm: &str, last: u64) -> Value {
    json!({
        "Username": username, "Realm": realm, "Contact": format!("sip:{username}@192.0.2.9"),
        "Original-Contact": format!("<sip:{username}@192.0.2.9>"), "Expires": 780, "Account-ID": ACCOUNT,
        "Event-Timestamp": GREGORIAN + last, "Last-Registration": GREGORIAN + last,
        "Initial-Registration": GREGORIAN + last - 100, "Registrar-Node": NODE, "From-Host": realm, "To-Host": realm,
    })
}

fn response(fields: &Value, count: Option<u64>) -> Value {
    let mut response = json!({
        "Event-Category": "directory", "Event-Name": "reg_query_resp", "Node": "ecallmgr@b", "Registrar-Age": 9,
        "Fields": fields,
    });
    if let Some(count) = count {
        response["Count"] = count.into();
    }
    response
}

fn settings() -> RecoverySettings {
    RecoverySettings {
        sync: true,
        peers: true,
        limit: Duration::from_secs(30),
    }
}

/// Comes up and waits until it is warm.
async fn warm_up(world: &World, settings: RecoverySettings) -> Duration {
    let begun = Instant::now();
    let registrar = Arc::clone(&world.registrar);
    let task = tokio::spawn(async move { registrar.recover(settings).await });
    assert!(!world.registrar.health().is_ready());
    world
        .registrar
        .link(&Zone::new("local"), LinkState::Consuming);
    tokio::time::timeout(
        Duration::from_secs(100),
        world.registrar.context.gap.notified(),
    )
    .await
    .unwrap();
    assert!(world.registrar.health().is_ready());
    task.abort();
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn proxies_replay_and_the_end_is_silence() {
    let world = World::new(vec![]);
    world.bus.answer_with(|question| {
        if question["Event-Name"] != "reg_sync" {
            return vec![];
        }
        vec![json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Status": "Success", "Username": "bob",
            "Realm": REALM, "Contact": "sip:bob@192.0.2.1", "Expires": 300, "Event-Timestamp": T0,
            "First-Registration": false, "Node": NODE,
        })]
    });
    let took = warm_up(&world, settings()).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(world.users(), ["bob"]);
    let asked: Vec<_> = world.bus.sent().into_iter().map(|(key, _)| key).collect();
    assert_eq!(asked, ["registration.query.all.*", "registration.sync"]);
    let bob = world
        .registrar
        .cache()
        .get(&registration::Aor::new("bob", REALM))
        .unwrap()
        .registration();
    assert_eq!(bob.expires_at().seconds().0, T0 + 300 + 180);
    assert_eq!(bob.last_registration.0, T0 - 10);
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_does_not_end_is_waited_for_only_so_long() {
    let world = World::new(vec![]);
    let registrar = Arc::clone(&world.registrar);
    let chatter = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            targeted(
                &registrar,
                &json!({
                    "Event-Category": "directory", "Event-Name": "reg_success", "Status": "Success", "Username": "bob",
                    "Realm": REALM, "Contact": "sip:bob@192.0.2.1", "Expires": 300, "Event-Timestamp": T0,
                }),
            );
        }
    });
    let took = warm_up(&world, settings()).await;
    assert!((30..35).contains(&took.as_secs()), "{took:?}");
    chatter.abort();
}

#[tokio::test(start_paused = true)]
async fn peers_tell_what_they_have_and_the_newer_wins() {
    let world = World::new(vec![]);
    world.register("amy");
    world.bus.answer_with(
        |question| match (&question["Event-Name"], &question["Count-Only"]) {
            (Value::String(name), Value::Bool(true)) if name == "reg_query" => {
                vec![response(&json!([]), Some(3))]
            }
            (Value::String(name), _) if name == "reg_query" => {
                let (old, new) = (record("amy", REALM, T0 - 50), record("bob", REALM, T0 - 50));
                let dead = record("cid", REALM, T0 - 5000);
                vec![response(&json!([old, new, dead]), None)]
            }
            _ => vec![],
        },
    );
    warm_up(&world, settings()).await;
    assert_eq!(world.users(), ["amy", "bob"]);
    assert_eq!(world.count("recovery", "from_peer"), 1);
    let get = |user| {
        world
            .registrar
            .cache()
            .get(&registration::Aor::new(user, REALM))
            .unwrap()
            .registration()
    };
    assert_eq!(&*get("amy").contact, "sip:amy@192.0.2.1");
    let bob = get("bob");
    assert_eq!(
        (
            bob.expires,
            bob.last_registration.0,
            bob.initial_registration.0
        ),
        (780, T0 - 50, T0 - 150)
    );
    assert_eq!(&*bob.original_contact, "<sip:bob@192.0.2.9>");
    let account = registration::AccountId::parse(ACCOUNT).unwrap();
    assert!(world.registrar.scope(&account, None).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_peer_with_very_many_is_asked_realm_by_realm() {
    let world = World::new(vec![]);
    world.bus.answer_with(|question| {
        if question["Event-Name"] != "reg_query" {
            return vec![];
        }
        let realms = ["a.example.com", "b.example.com"];
        if question["Count-Only"] == true {
            vec![response(&json!([]), Some(MAX_IN_ONE + 1))]
        } else if question["Realm"] == "all" {
            assert_eq!(question["Fields"], json!(["Realm"]));
            vec![response(
                &json!(realms.map(|realm| json!({"Realm": realm}))),
                None,
            )]
        } else {
            let realm = question["Realm"].as_str().unwrap();
            vec![response(&json!([record("bob", realm, T0)]), None)]
        }
    });
    warm_up(&world, settings()).await;
    let mut realms: Vec<_> = world
        .registrar
        .cache()
        .all()
        .iter()
        .map(|r| r.realm().to_string())
        .collect();
    realms.sort();
    assert_eq!(realms, ["a.example.com", "b.example.com"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_where_nobody_is_to_be_asked() {
    let world = World::new(vec![]);
    let nobody = RecoverySettings {
        sync: false,
        peers: false,
        ..settings()
    };
    warm_up(&world, nobody).await;
    assert!(world.bus.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_comes_and_goes_has_nobody_asked_each_time() {
    let world = World::new(vec![]);
    let registrar = Arc::clone(&world.registrar);
    let task = tokio::spawn(async move { registrar.recover(settings()).await });
    let zone = Zone::new("local");
    for _ in 0..60 {
        world.registrar.link(&zone, LinkState::Consuming);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let reason = "test".to_owned();
        world.registrar.link(&zone, LinkState::Down { reason });
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let asked = world.bus.sent().len();
    assert!((1..=12).contains(&asked), "asked {asked} times in a minute");
    world.registrar.link(&zone, LinkState::Consuming);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(world.registrar.health().is_ready());
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_goes_down_is_cold_and_warms_up_again() {
    let world = World::new(vec![]);
    let (zone, other) = (Zone::new("local"), Zone::new("other"));
    warm_up(&world, settings()).await;
    let health = world.registrar.health();
    assert!(health.is_complete());
    world.registrar.link(&other, LinkState::Connecting);
    // A zone that never came up harms no other, but the table may lack its phones.
    assert!(health.is_ready() && !health.is_complete());
    let reason = "test".to_owned();
    world.registrar.link(&zone, LinkState::Down { reason });
    assert!(!health.is_ready());
    assert_eq!(health.zones()["local"].sync, SyncState::Cold);
    warm_up(&world, settings()).await;
}

#[tokio::test(start_paused = true)]
async fn all_are_asked_and_the_zones_stay_warm() {
    let world = World::new(vec![]);
    assert_eq!(
        world.registrar.resync().await.unwrap_err(),
        SyncError::NoZone
    );
    let local = Zone::new("local");
    world.registrar.link(&local, LinkState::Consuming);
    let before = world.registrar.health().zones();
    let (first, second) = tokio::join!(world.registrar.resync(), world.registrar.resync());
    assert_eq!(second.unwrap_err(), SyncError::Running);
    assert_eq!(first.unwrap().zones[0].0, local);
    assert_eq!(world.registrar.health().zones(), before);
    let keys: Vec<_> = world.bus.sent().into_iter().map(|(key, _)| key).collect();
    let asked = |start: &str| keys.iter().any(|key| key.starts_with(start));
    assert!(asked("registration.query"), "{keys:?}");
    assert!(asked("registration.sync"), "{keys:?}");
}
