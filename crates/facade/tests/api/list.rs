//! `GET /v2/accounts/{ACCOUNT_ID}/registrations`

use serde_json::{Value, json};

use crate::world::{ACME, ADMIN, EMPTY, READER, REALM, T0, World, registrations};

fn usernames(body: &Value) -> Vec<&str> {
    body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["username"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_accounts_registrations_by_username() {
    let world = World::new();
    let answer = world.admin("GET", &registrations(ACME)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(usernames(&answer.body), ["amy", "Bob", "zed"]);
    assert_eq!(answer.body["page_size"], 3);
    assert_eq!(answer.body["auth_token"], ADMIN);
    let gregorian = T0 + 62_167_219_200;
    assert_eq!(
        answer.body["data"][1],
        json!({
            "username": "Bob", "realm": "acme.example.com", "from_host": "nodomain.com", "to_host": "nodomain.com",
            "contact": "sip:Bob@192.0.2.1:5062", "original_contact": "<sip:Bob@192.0.2.1:5062>",
            "contact_ip": "192.0.2.1", "contact_port": 5062, "account_realm": "acme.example.com", "expires": 780,
            "event_timestamp": gregorian, "initial_registration": gregorian, "last_registration": gregorian,
            "first_registration": false, "suppress_unregister_notify": true, "register_overwrite_notify": false,
        })
    );
}

#[tokio::test]
async fn an_account_without_phones_is_an_empty_list() {
    let answer = World::new().admin("GET", &registrations(EMPTY)).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["data"]),
        (200, &json!([]))
    );
}

#[tokio::test]
async fn gone_when_its_time_is_up_not_before() {
    let world = World::new();
    world.clock.advance_millis(779_999);
    assert_eq!(
        world.registrar.count(
            &world
                .registrar
                .scope(&registration::AccountId::parse(ACME).unwrap(), None)
                .unwrap()
        ),
        3
    );
    world.clock.advance_millis(1);
    assert_eq!(
        world.registrar.count(
            &world
                .registrar
                .scope(&registration::AccountId::parse(ACME).unwrap(), None)
                .unwrap()
        ),
        0
    );
}

#[tokio::test]
async fn a_token_may_stand_in_three_places() {
    let world = World::new();
    let path = registrations(ACME);
    for request in [
        world.request("GET", &path).header("X-Auth-Token", READER),
        world.request("GET", &format!("{path}?auth_token={READER}")),
        world
            .request("GET", &path)
            .header("Authorization", format!("Bearer {READER}")),
    ] {
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["auth_token"].as_str()),
            (200, Some(READER))
        );
    }
}

#[tokio::test]
async fn the_echo_of_the_token_can_be_turned_off() {
    let answer = World::with(false).admin("GET", &registrations(ACME)).await;
    assert_eq!(answer.body.get("auth_token"), None);
}

#[tokio::test]
async fn what_the_caller_has_already_is_not_sent_again() {
    let world = World::new();
    let path = registrations(ACME);
    let etag = world.admin("GET", &path).await.headers["etag"].clone();
    let again = || {
        world
            .request("GET", &path)
            .header("X-Auth-Token", ADMIN)
            .header("If-None-Match", &etag)
    };
    let response = again().send().await.unwrap();
    assert_eq!(response.status(), 304);
    assert_eq!(response.headers()["etag"], etag);
    assert_eq!(response.bytes().await.unwrap().len(), 0);
    world.register("new", 600);
    assert_eq!(world.send(again()).await.status, 200, "changed since");
}

#[tokio::test]
async fn trailing_slash_pretty_and_head() {
    let world = World::new();
    let path = registrations(ACME);
    assert_eq!(
        world.admin("GET", &format!("{path}/")).await.body["page_size"],
        3
    );
    let pretty = world
        .request("GET", &format!("{path}?pretty=true"))
        .header("X-Auth-Token", ADMIN);
    let text = pretty.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("\n  \"data\": [\n    {\n      \""), "{text}");
    let head = world
        .request("HEAD", &path)
        .header("X-Auth-Token", ADMIN)
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
    assert!(
        head.headers()["content-length"]
            .to_str()
            .unwrap()
            .parse::<u32>()
            .unwrap()
            > 1000
    );
    assert_eq!(head.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_request_id_of_the_callers_is_kept_if_it_is_one() {
    let world = World::new();
    let id = "0123456789abcdef0123456789abcdef";
    for (given, kept) in [
        (id, true),
        ("0123456789ABCDEF0123456789abcdef", false),
        ("x", false),
    ] {
        let request = world
            .request("GET", &registrations(ACME))
            .header("X-Auth-Token", ADMIN)
            .header("X-Request-ID", given);
        assert_eq!(
            world.send(request).await.body["request_id"] == given,
            kept,
            "{given}"
        );
    }
}

#[tokio::test]
async fn a_contact_that_nobody_can_read_hides_nobody() {
    let world = World::new();
    let odd = [
        "192.0.2.1",
        "sip:",
        "<",
        "<sip:a@[::1>;q=",
        "%%%",
        "tel:5",
        "\u{0}\u{7f}",
        " ",
    ];
    for (n, contact) in odd.iter().enumerate() {
        world.tell(&json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": T0,
            "Expires": 600, "Contact": contact, "Realm": REALM, "Username": format!("odd{n}"),
            "Custom-Channel-Vars": {"Account-ID": ACME, "Account-Realm": REALM},
        }));
    }
    let answer = world.admin("GET", &registrations(ACME)).await;
    let listed = answer.body["data"].as_array().unwrap();
    for username in ["amy", "Bob", "zed", "odd0", "odd4", "odd5"] {
        assert!(
            listed.iter().any(|r| r["username"] == username),
            "{username}: {listed:?}"
        );
    }
    let count = world
        .admin("GET", &format!("{}/count", registrations(ACME)))
        .await;
    assert_eq!(count.body["data"]["count"], listed.len());
}
