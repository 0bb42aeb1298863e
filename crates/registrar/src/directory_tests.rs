//! Whose phone it is, where the event did not say.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::Change;
use crate::fakes::{ACCOUNT, REALM, World};

fn anonymous() -> Value {
    json!({"Account-ID": null, "Authorizing-ID": null, "Account-Realm": null})
}

fn knows(question: &Value) -> Vec<Value> {
    let known = question["Auth-User"] != "stranger";
    let mut answer = json!({
        "Event-Category": "directory", "Event-Name": if known { "authn_resp" } else { "authn_err" },
        "Auth-Password": "planted-secret", "Node": "kazoo_apps@a",
    });
    if known {
        answer["Custom-Channel-Vars"] = json!({
            "Account-ID": ACCOUNT, "Authorizing-ID": "device", "Account-Realm": REALM,
            "Suppress-Unregister-Notifications": false,
        });
    }
    vec![answer]
}

/// A world whose directory has been asked what there was to ask.
async fn asked(
    happens: impl FnOnce(&World),
    answer: fn(&Value) -> Vec<Value>,
) -> (World, Arc<Mutex<Vec<Change>>>) {
    let (directory, listener) = Directory::new(10);
    let changes = Arc::<Mutex<Vec<Change>>>::default();
    let seen = Arc::clone(&changes);
    let world = World::new(vec![
        listener,
        ChangeListener::new(move |change| seen.lock().unwrap().push(change.clone())),
    ]);
    world.bus.answer_with(answer);
    happens(&world);
    let asking = world.registrar.identify(directory);
    assert!(
        tokio::time::timeout(Duration::from_secs(20), asking)
            .await
            .is_err()
    );
    (world, changes)
}

#[tokio::test(start_paused = true)]
async fn the_directory_says_whose_it_is() {
    let (world, changes) = asked(
        |world| {
            world.tell(&world.event("bob", &anonymous()));
            // Visible by its realm meanwhile.
            assert_eq!(world.registrar.cache().find_in(Some(REALM), None).len(), 1);
            let account = registration::AccountId::parse(ACCOUNT).unwrap();
            assert!(world.registrar.scope(&account, None).is_none());
        },
        knows,
    )
    .await;
    let account = registration::AccountId::parse(ACCOUNT).unwrap();
    let scope = world.registrar.scope(&account, None).unwrap();
    let list = world.registrar.list(&scope);
    let first = list[0].registration();
    assert_eq!(first.account.authorizing_id.as_deref(), Some("device"));
    assert!(!first.suppress_unregister_notify);
    assert_eq!(world.count("directory", "identified"), 1);
    let kinds: Vec<_> = changes
        .lock()
        .unwrap()
        .iter()
        .map(|c| (c.kind, c.is_first))
        .collect();
    assert_eq!(
        kinds,
        [
            (ChangeKind::Registered, true),
            (ChangeKind::Identified, true)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_once_per_aor() {
    let (world, _) = asked(
        |world| {
            for user in ["stranger", "stranger", "bob", "bob"] {
                world.clock.advance_millis(2_000);
                world.tell(&world.event(user, &anonymous()));
            }
            world.register("known");
        },
        knows,
    )
    .await;
    let asked: Vec<_> = world
        .bus
        .sent()
        .into_iter()
        .map(|(key, body)| (key, body["Auth-User"].clone()))
        .collect();
    // By both ways each.
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(world.count("directory", "unknown"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_it_said_is_kept_for_a_while() {
    let (directory, listener) = Directory::new(1000);
    let world = World::new(vec![listener]);
    world.bus.answer_with(knows);
    let registrar = Arc::clone(&world.registrar);
    let task = tokio::spawn(registrar.identify(directory));
    for _ in 0..3 {
        world.clock.advance_millis(2_000);
        world.tell(&world.event("stranger", &anonymous()));
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    assert_eq!(world.bus.sent().len(), 2);
    assert_eq!(world.count("directory", "unknown"), 3);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_says_nothing_is_asked_again() {
    let (directory, listener) = Directory::new(1000);
    let world = World::new(vec![listener]);
    let task = tokio::spawn(world.registrar.identify(directory));
    for _ in 0..2 {
        world.clock.advance_millis(2_000);
        world.tell(&world.event("bob", &anonymous()));
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    assert_eq!(world.bus.sent().len(), 4);
    task.abort();
}
