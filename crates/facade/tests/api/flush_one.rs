//! `DELETE /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`

use crate::world::{ACME, REALM, World, registrations};

async fn left(world: &World) -> u64 {
    world.admin("GET", &registrations(ACME)).await.body["page_size"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn flushes_that_username_only_in_any_case() {
    let world = World::new();
    let answer = world
        .admin("DELETE", &format!("{}/BOB", registrations(ACME)))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["data"].as_str()),
        (200, Some("ok"))
    );
    assert_eq!(
        world.flushed(),
        [(REALM.to_owned(), Some("bob".to_owned()))]
    );
    assert_eq!(left(&world).await, 2);
    assert_eq!(
        world.told_to_check_in(),
        ["switch.notify.acme%2Eexample%2Ecom.Bob"]
    );
    // Young, so it is sent again; the caller is told.
    let note = answer.body["note"].as_str().unwrap();
    assert!(note.starts_with("1 of these registrations"), "{note}");
}

#[tokio::test]
async fn an_unknown_username_is_404_unless_forced() {
    let world = World::new();
    let path = format!("{}/nobody", registrations(ACME));
    let answer = world.admin("DELETE", &path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["message"].as_str()),
        (404, Some("bad_identifier"))
    );
    assert_eq!(answer.body["data"]["cause"], "nobody");
    assert!(world.flushed().is_empty());
    assert_eq!(
        world
            .admin("DELETE", &format!("{path}?force=true"))
            .await
            .status,
        200
    );
    assert_eq!(
        world.flushed(),
        [(REALM.to_owned(), Some("nobody".to_owned()))]
    );
    let answer = world.admin("DELETE", &format!("{path}?force=maybe")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["message"].as_str()),
        (400, Some("parse_error"))
    );
    assert_eq!(answer.body["data"]["force"]["got"], "maybe");
}

#[tokio::test]
async fn count_is_a_username_to_delete() {
    let world = World::new();
    world.register("count", 600);
    assert_eq!(
        world
            .admin("DELETE", &format!("{}/count", registrations(ACME)))
            .await
            .status,
        200
    );
    assert_eq!(
        world.flushed(),
        [(REALM.to_owned(), Some("count".to_owned()))]
    );
}

/// The proxy pastes names into SQL: none of these may ever be published, whoever asks.
#[tokio::test]
async fn names_that_would_reach_sql_are_refused_before_anything_looks_at_them() {
    let world = World::new();
    let long = "x".repeat(256);
    let huge = "x".repeat(20_000);
    for name in [
        "x'%20or%20'a'='a",
        "x%27%20or%20%27a%27=%27a",
        "o'x",
        "a%22b",
        "a%5Cb",
        "a;b",
        "a%3Bb",
        "a%25b",
        "a%00b",
        "%0A",
        "a%60b",
        "%E2%80%A8%27",
        &long,
        &huge,
    ] {
        for query in ["", "?force=true"] {
            let path = format!("{}/{name}{query}", registrations(ACME));
            // Even without a token.
            for request in [
                world
                    .request("DELETE", &path)
                    .header("X-Auth-Token", crate::world::ADMIN),
                world.request("DELETE", &path),
            ] {
                let answer = world.send(request).await;
                let shown: String = name.chars().take(40).collect();
                assert_eq!(
                    (answer.status.as_u16(), answer.body["message"].as_str()),
                    (400, Some("parse_error")),
                    "{shown}"
                );
            }
        }
    }
    assert!(world.flushed().is_empty());
    assert_eq!(left(&world).await, 3);
}

#[tokio::test]
async fn names_in_any_script_are_taken() {
    let world = World::new();
    for (name, path) in [
        ("bücher", "b%C3%BCcher"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("+1555", "+1555"),
    ] {
        world.register(name, 600);
        assert_eq!(
            world
                .admin("DELETE", &format!("{}/{path}", registrations(ACME)))
                .await
                .status,
            200,
            "{name}"
        );
        assert_eq!(world.flushed().pop().unwrap().1.as_deref(), Some(name));
    }
}
