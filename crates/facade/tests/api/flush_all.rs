//! `DELETE /v2/accounts/{ACCOUNT_ID}/registrations`

use serde_json::json;

use crate::world::{ACME, ADMIN, EMPTY, REALM, World, registrations};

async fn count(world: &World) -> u64 {
    world
        .admin("GET", &format!("{}/count", registrations(ACME)))
        .await
        .body["data"]["count"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn flushes_the_realm_and_forgets() {
    for path in [registrations(ACME), format!("{}/", registrations(ACME))] {
        let world = World::new();
        let answer = world.admin("DELETE", &path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["data"]),
            (200, &json!("ok"))
        );
        assert_eq!(world.flushed(), [(REALM.to_owned(), None)]);
        assert_eq!(count(&world).await, 0);
    }
}

#[tokio::test]
async fn an_account_without_phones_is_flushed_all_the_same() {
    let world = World::new();
    assert_eq!(
        world.admin("DELETE", &registrations(EMPTY)).await.status,
        200
    );
    assert_eq!(world.flushed(), [("empty.example.com".to_owned(), None)]);
}

#[tokio::test]
async fn nothing_is_forgotten_while_the_broker_is_away() {
    let world = World::new();
    world.broker_is_down();
    let answer = world.admin("DELETE", &registrations(ACME)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["message"].as_str()),
        (503, Some("broker_unreachable"))
    );
    assert_eq!(answer.body["data"]["zones"], serde_json::json!(["local"]));
    assert_eq!(count(&world).await, 3);
}

#[tokio::test]
async fn a_post_may_stand_for_it() {
    for (query, body) in [("?verb=DELETE", ""), ("", r#"{"verb":"delete"}"#)] {
        let world = World::new();
        let path = format!("{}{query}", registrations(ACME));
        let answer = world
            .send(
                world
                    .request("POST", &path)
                    .header("X-Auth-Token", ADMIN)
                    .body(body),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), count(&world).await),
            (200, 0),
            "{query} {body}"
        );
    }
}

/// Waits until the bus has had so many flushes.
async fn flushes(world: &World, wanted: usize) {
    while world.flushed().len() < wanted {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_hangs_up_does_not_keep_the_table_from_following() {
    let world = World::new();
    let confirms = world.broker_is_slow();
    let path = registrations(ACME);
    tokio::select! {
        answer = world.admin("DELETE", &path) => panic!("{answer:?} without a confirm"),
        () = flushes(&world, 1) => {}
    }
    confirms.add_permits(1);
    while count(&world).await > 0 {}
}
