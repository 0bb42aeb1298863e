//! `/admin/…` and `/metrics` on the API's port: for tokens of all accounts only.

use serde_json::Value;

use crate::world::{ADMIN, READER, REALM, World};

const PATHS: [(&str, &str); 7] = [
    ("GET", "/admin/status"),
    ("GET", "/admin/registrations"),
    ("GET", "/admin/registrations/count"),
    ("GET", "/admin/changes"),
    ("DELETE", "/admin/registrations?realm=acme.example.com"),
    ("POST", "/admin/sync"),
    ("GET", "/metrics"),
];

async fn text(world: &World, method: &str, path: &str) -> (u16, String) {
    let request = world.request(method, path).header("X-Auth-Token", ADMIN);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn count(world: &World) -> Value {
    let (_, text) = text(world, "GET", "/admin/registrations/count").await;
    serde_json::from_str::<Value>(&text).unwrap()["count"].take()
}

#[tokio::test]
async fn only_who_may_see_all_accounts_gets_in() {
    let world = World::new();
    for (method, path) in PATHS {
        let without = world.send(world.request(method, path)).await;
        assert_eq!(without.status, 401, "{method} {path}");
        let of_one = world.request(method, path).header("X-Auth-Token", READER);
        assert_eq!(world.send(of_one).await.status, 403, "{method} {path}");
    }
    assert_eq!(count(&world).await, 3);
    assert_eq!(world.flushed(), []);
}

#[tokio::test]
async fn a_list_is_a_registration_a_line_with_what_it_has_left() {
    let world = World::new();
    world.clock.advance_millis(5_000);
    let (status, lines) = text(&world, "GET", "/admin/registrations?realm=ACME.example.com").await;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = lines
        .iter()
        .map(|line| line["username"].as_str().unwrap())
        .collect();
    assert_eq!((status, names), (200, vec!["amy", "Bob", "zed"]));
    // 600 and the padding of 180, 5 seconds later.
    assert_eq!(lines[0]["remaining"], 775);
    assert_eq!(lines[0]["zone"], "local");
    let (_, none) = text(&world, "GET", "/admin/registrations?realm=b.example.com").await;
    assert_eq!(none, "");
    let (_, one) = text(
        &world,
        "GET",
        "/admin/registrations?realm=acme.example.com&username=BOB",
    )
    .await;
    assert_eq!(one.lines().count(), 1);
}

#[tokio::test]
async fn a_flush_names_its_realm_and_no_name_that_means_something_in_sql() {
    let world = World::new();
    for query in [
        "",
        "?realm=",
        "?username=amy",
        "?realm=o'x",
        "?realm=a&username=o'x",
        "?realm=a&username=",
        "?realm=a&username=b%22",
        "?realm=a&force=perhaps",
    ] {
        let path = format!("/admin/registrations{query}");
        assert_eq!(world.admin("DELETE", &path).await.status, 400, "{query}");
    }
    assert_eq!(world.flushed(), []);
    let nobody = "/admin/registrations?realm=acme.example.com&username=nobody";
    assert_eq!(world.admin("DELETE", nobody).await.status, 404);

    let one = "/admin/registrations?realm=ACME.example.com&username=Amy";
    let (status, said) = text(&world, "DELETE", one).await;
    assert_eq!(status, 200, "{said}");
    let all = "/admin/registrations?realm=Acme.example.com";
    let (_, said) = text(&world, "DELETE", all).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["flushed"], 2, "{said}");
    assert_eq!(
        world.flushed(),
        [
            (REALM.to_owned(), Some("amy".to_owned())),
            (REALM.to_owned(), None)
        ]
    );
    world.broker_is_down();
    assert_eq!(world.admin("DELETE", all).await.status, 503);
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_never_by_path() {
    let world = World::new();
    world
        .admin("GET", "/v2/accounts/secret/registrations")
        .await;
    world.admin("GET", "/elsewhere/secret").await;
    let (status, metrics) = text(&world, "GET", "/metrics").await;
    assert_eq!(status, 200);
    for sample in [
        "{method=\"GET\",route=\"/v2/accounts/{account_id}/registrations\",status=\"404\"} 1",
        "{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
    ] {
        assert!(metrics.contains(sample), "{sample} is not in {metrics}");
    }
    assert!(!metrics.contains("secret"));
}
