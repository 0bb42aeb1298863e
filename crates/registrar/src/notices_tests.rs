//! Which changes are told, and to whom.

use serde_json::{Value, json};

use super::*;
use crate::fakes::World;

const ALL: NoticeSettings = NoticeSettings {
    register: true,
    deregister: true,
    overwrite: true,
};

/// What is told of what `happens`.
async fn told(settings: NoticeSettings, happens: impl FnOnce(&World)) -> Vec<Value> {
    let (notices, listener) = Notices::new(settings);
    let world = World::new(vec![listener]);
    happens(&world);
    let sending = world.registrar.notify(notices);
    let limit = std::time::Duration::from_secs(1);
    assert!(tokio::time::timeout(limit, sending).await.is_err());
    world.bus.sent().into_iter().map(|(_, body)| body).collect()
}

fn names(told: &[Value]) -> Vec<&str> {
    told.iter()
        .map(|body| body["Event-Name"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_first_registration_is_told_and_a_refresh_is_not() {
    let told = told(ALL, |world| {
        world.register("bob");
        world.clock.advance_millis(5_000);
        world.tell(&world.event("bob", &json!({"First-Registration": false})));
        // Known from before our time, and without an account.
        world.tell(&world.event("amy", &json!({"First-Registration": false})));
        world.tell(&world.event("cid", &json!({"Account-ID": null})));
    });
    let told = told.await;
    assert_eq!(names(&told), ["register"]);
    assert_eq!(told[0]["Username"], "bob");
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_unless_it_is_suppressed() {
    let told = told(ALL, |world| {
        let loud = json!({"Suppress-Unregister-Notify": false, "First-Registration": false});
        for user in ["amy", "bob", "cid"] {
            world.tell(&world.event(user, &loud));
        }
        world.tell(&world.event("dan", &json!({"First-Registration": false})));
        world.clock.advance_millis(2_000);
        let end = json!({"Expires": 0, "First-Registration": false});
        for user in ["amy", "dan"] {
            world.tell(&world.event(user, &end));
        }
        // The word of the end itself says so.
        let mut quiet = end;
        quiet["Suppress-Unregister-Notify"] = true.into();
        world.tell(&world.event("bob", &quiet));
        world.clock.advance_millis(1_000_000);
        // Its time is up; nobody has looked since.
        world.tell(&world.event("cid", &json!({"First-Registration": false})));
    });
    let told = told.await;
    assert_eq!(names(&told), ["deregister", "deregister"]);
    assert_eq!(
        (&told[0]["Username"], &told[0]["Expires"]),
        (&json!("amy"), &json!(0))
    );
    assert_eq!(
        (&told[1]["Username"], &told[1]["Expires"]),
        (&json!("cid"), &json!(780))
    );
}

#[tokio::test(start_paused = true)]
async fn another_phone_is_told_where_that_is_wanted() {
    let told = told(ALL, |world| {
        for (user, wanted) in [("amy", true), ("bob", false)] {
            world.tell(&world.event(user, &json!({"First-Registration": false})));
            world.clock.advance_millis(2_000);
            world.tell(&world.event(user, &json!({
                "Contact": "<sip:other@192.0.2.7>", "First-Registration": false, "Register-Overwrite-Notify": wanted,
            })));
        }
    });
    let told = told.await;
    assert_eq!(names(&told), ["register_overwrite"]);
    assert_eq!(told[0]["Contact"], "sip:other@192.0.2.7");
    assert_eq!(told[0]["Previous-Contact"], "sip:amy@192.0.2.1");
}

#[tokio::test(start_paused = true)]
async fn only_what_is_set_is_told() {
    let none = NoticeSettings::default();
    assert!(!none.any());
    assert!(told(none, |world| world.register("bob")).await.is_empty());
}
