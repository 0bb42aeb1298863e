//! How all registrations stand.

use registration::AccountId;
use serde_json::{Value, json};

use crate::world::{ACME, ADMIN, READER, REALM, T0, World, registrations};

const SUMMARY: &str = "/v2/registrations/summary";

fn event(username: &str, agent: &str, account: Option<&str>) -> Value {
    let mut event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": T0, "Expires": 600,
        "Contact": format!("<sip:{username}@192.0.2.1>"), "Realm": REALM, "Username": username, "User-Agent": agent,
    });
    if let Some(account) = account {
        event["Custom-Channel-Vars"] = json!({"Account-ID": account, "Account-Name": "Acme"});
    }
    event
}

#[tokio::test]
async fn it_keeps_up_with_whatever_happens() {
    let world = World::new();
    world.tell(&event("one", "Yealink T46 1.0", Some(ACME)));
    world.tell(&event("two", "Yealink T46 2.0", None));
    // A refresh, with another version: still one of the same kind.
    world.tell(&event("two", "Yealink T46 3.0", None));
    let data = world.admin("GET", SUMMARY).await.body["data"].take();
    assert_eq!(data["registrations"], 5);
    let kinds = json!([{"name": "", "count": 3}, {"name": "Yealink T46", "count": 2}]);
    assert_eq!(data["user_agents"], kinds);
    assert_eq!(data["zones"], json!([{"name": "local", "count": 5}]));
    assert_eq!(data["accounts"][0]["count"], 4);
    assert_eq!(data["accounts"][0]["id"], ACME);
    assert_eq!(data["history"]["registrations"], json!([]));

    world
        .admin("DELETE", &format!("{}/one", registrations(ACME)))
        .await;
    world.clock.advance_millis(10_000);
    let summary = async || {
        let request = world.request("GET", SUMMARY).header("X-Auth-Token", ADMIN);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        body["data"].clone()
    };
    let data = summary().await;
    assert_eq!(data["history"]["registrations"], json!([4]));
    assert_eq!(data["history"]["events"]["registered"], json!([5]));
    assert_eq!(data["history"]["events"]["refreshed"], json!([1]));
    assert_eq!(data["history"]["events"]["flushed"], json!([1]));

    let scope = world
        .registrar
        .scope(&AccountId::parse(ACME).unwrap(), None);
    world
        .registrar
        .flusher()
        .flush_account(&scope.unwrap())
        .await
        .unwrap();
    let data = summary().await;
    assert_eq!(data["registrations"], 0);
    assert_eq!(data["user_agents"], json!([]));
    assert_eq!(data["accounts"], json!([]));
}

#[tokio::test]
async fn it_is_for_those_who_may_see_all_accounts() {
    let world = World::new();
    let answer = world
        .send(world.request("GET", SUMMARY).header("X-Auth-Token", READER))
        .await;
    assert_eq!(answer.status, 403);
    assert_eq!(world.send(world.request("GET", SUMMARY)).await.status, 401);
    assert_eq!(world.admin("DELETE", SUMMARY).await.status, 405);
}

#[tokio::test]
async fn who_asks_for_zones_is_told_them() {
    let world = World::new();
    let path = registrations(ACME);
    let plain = world.admin("GET", &path).await;
    assert!(plain.body["data"][0].get("zone").is_none());
    let zoned = world.admin("GET", &format!("{path}?with_zone=true")).await;
    assert_eq!(zoned.body["data"][0]["zone"], "local");
    assert_eq!(zoned.body["data"][0]["username"], "amy");
    // Another list, with another revision.
    assert_ne!(plain.headers["etag"], zoned.headers["etag"]);
    let bad = world
        .admin("GET", &format!("{path}?with_zone=perhaps"))
        .await;
    assert_eq!(bad.status, 400);
    for number in 0..300 {
        world.register(&format!("user{number}"), 600);
    }
    let long = world.admin("GET", &format!("{path}?with_zone=true")).await;
    let long = long.body["data"].as_array().unwrap();
    assert!(long.len() > 300 && long.iter().all(|r| r["zone"] == "local"));
}
