//! Lists in pages, filtered, and as tables; one registration; devices; all accounts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{ACME, ADMIN, READER, REALM, World, registrations};

fn usernames(body: &Value) -> Vec<String> {
    let data = body["data"].as_array().unwrap();
    data.iter()
        .map(|r| r["username"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn page_by_page_each_is_shown_once() {
    let world = World::new();
    for number in 0..25 {
        world.register(&format!("user{number:02}"), 600);
    }
    let whole = usernames(&world.admin("GET", &registrations(ACME)).await.body);
    assert_eq!(whole.len(), 28);
    let mut walked = Vec::new();
    let mut start = None;
    loop {
        let key = start
            .as_ref()
            .map_or(String::new(), |key| format!("&start_key={key}"));
        let path = format!("{}?page_size=10{key}", registrations(ACME));
        let page = world.admin("GET", &path).await.body;
        assert_eq!(
            page.get("start_key")
                .map(|key| key.as_str().unwrap().to_owned()),
            start
        );
        assert_eq!(page["page_size"], usernames(&page).len());
        walked.extend(usernames(&page));
        // Whoever comes or goes meanwhile is nobody else's matter.
        world.register(&format!("user{}x", walked.len()), 600);
        let Some(next) = page.get("next_start_key") else {
            break;
        };
        start = Some(next.as_str().unwrap().to_owned());
    }
    let constant: Vec<_> = walked
        .iter()
        .filter(|user| !user.ends_with('x'))
        .cloned()
        .collect();
    assert_eq!(constant, whole);
    let all = format!("{}?page_size=1&paginate=false", registrations(ACME));
    assert!(usernames(&world.admin("GET", &all).await.body).len() > 28);
}

#[tokio::test]
async fn what_cannot_be_a_page_is_named() {
    let world = World::new();
    for (query, parameter) in [
        ("page_size=0", "page_size"),
        ("page_size=10001", "page_size"),
        ("page_size=many", "page_size"),
        ("start_key=%00", "start_key"),
        ("start_key=abc", "start_key"),
        ("accept=pdf", "accept"),
        ("pretty=perhaps", "pretty"),
    ] {
        let answer = world
            .admin("GET", &format!("{}?{query}", registrations(ACME)))
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["message"]),
            (400, &json!("parse_error")),
            "{query}"
        );
        assert!(
            answer.body["data"][parameter]["takes"].is_string(),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn filters_all_have_to_hold() {
    let world = World::new();
    let event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": crate::world::T0,
        "Expires": 60, "Contact": "<sip:x@192.0.2.9>", "Realm": REALM, "Username": "odd", "User-Agent": "Odd, \"one\"",
        "Account-ID": ACME, "Proxy-Port": 5060, "Suppress-Unregister-Notify": false,
    });
    let zone = registration::Zone::new("local");
    world.registrar.deliver(registrar::Delivery::new(
        &zone,
        event.to_string().as_bytes(),
    ));
    for (query, wanted) in [
        ("filter_username=odd", vec!["odd"]),
        ("filter_user_agent=Odd,%20%22one%22", vec!["odd"]),
        ("filter_proxy_port=5060", vec!["odd"]),
        ("filter_suppress_unregister_notify=false", vec!["odd"]),
        ("filter_not_username=odd", vec!["amy", "Bob", "zed"]),
        (
            "filter_not_user_agent=x&filter_contact_ip=192.0.2.9",
            vec!["odd"],
        ),
        ("has_key=user_agent", vec!["odd"]),
        (
            "key_missing=user_agent&filter_not_username=amy",
            vec!["Bob", "zed"],
        ),
        ("has_value=proxy_port", vec!["odd"]),
        ("missing_value=proxy_port&filter_username=amy", vec!["amy"]),
        ("filter_nonsense=x", vec![]),
        ("key_missing=nonsense&filter_username=amy", vec!["amy"]),
        ("filter_account_id=x", vec![]),
    ] {
        let answer = world
            .admin("GET", &format!("{}?{query}", registrations(ACME)))
            .await;
        assert_eq!(usernames(&answer.body), wanted, "{query}");
    }
}

#[tokio::test]
async fn a_table_is_quoted_and_runs_no_formula() {
    let world = World::new();
    let event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": crate::world::T0,
        "Expires": 60, "Contact": "<sip:x@192.0.2.9>", "Realm": REALM, "Username": "+49301234", "Account-ID": ACME,
        "User-Agent": "=cmd|' /C calc'!A0, \"x\"\nnext", "Call-ID": "@x",
    });
    let zone = registration::Zone::new("local");
    world.registrar.deliver(registrar::Delivery::new(
        &zone,
        event.to_string().as_bytes(),
    ));
    for request in [
        world
            .request("GET", &registrations(ACME))
            .header("Accept", "text/csv"),
        world.request("GET", &format!("{}?accept=csv", registrations(ACME))),
    ] {
        let response = request.header("X-Auth-Token", ADMIN).send().await.unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "text/csv; charset=utf-8"
        );
        let text = response.text().await.unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<BTreeMap<String, String>> =
            reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0]["username"], "'+49301234");
        assert_eq!(rows[0]["user_agent"], "'=cmd|' /C calc'!A0, \"x\"\nnext");
        assert_eq!(rows[0]["call_id"], "'@x");
        assert_eq!(
            (
                rows[1]["username"].as_str(),
                rows[1]["contact_port"].as_str()
            ),
            ("amy", "5062")
        );
        assert_eq!(rows[1]["user_agent"], "");
        assert!(
            text.lines()
                .next()
                .unwrap()
                .starts_with("username,realm,user_agent,")
        );
        assert!(text.ends_with("\r\n"));
    }
}

#[tokio::test]
async fn what_nobody_here_can_make_is_406() {
    let world = World::new();
    for path in [
        registrations(ACME),
        format!("{}/count", registrations(ACME)),
        format!("{}/amy", registrations(ACME)),
    ] {
        let request = world
            .request("GET", &path)
            .header("X-Auth-Token", ADMIN)
            .header("Accept", "image/png");
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["message"]),
            (406, &json!("not_acceptable"))
        );
    }
}

#[tokio::test]
async fn one_registration() {
    let world = World::new();
    let list = world.admin("GET", &registrations(ACME)).await.body;
    let answer = world
        .admin("GET", &format!("{}/BOB", registrations(ACME)))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["data"]),
        (200, &list["data"][1])
    );
    let answer = world
        .admin("GET", &format!("{}/nobody", registrations(ACME)))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["data"]["cause"]),
        (404, &json!("nobody"))
    );
}

#[tokio::test]
async fn registered_devices() {
    let world = World::new();
    for (username, device) in [("amy", "d2"), ("bob2", "d1"), ("bob3", "d1")] {
        let event = json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": crate::world::T0,
            "Expires": 60, "Contact": "<sip:x@192.0.2.9>", "Realm": REALM, "Username": username, "Account-ID": ACME,
            "Authorizing-ID": device,
        });
        let zone = registration::Zone::new("local");
        world.registrar.deliver(registrar::Delivery::new(
            &zone,
            event.to_string().as_bytes(),
        ));
    }
    let answer = world
        .admin("GET", &format!("/v2/accounts/{ACME}/devices/status"))
        .await;
    assert_eq!(
        answer.body["data"],
        json!([{"device_id": "d1", "registered": true}, {"device_id": "d2", "registered": true}])
    );
}

#[tokio::test]
async fn all_accounts_are_for_those_who_may_see_all() {
    let world = World::new();
    let event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": crate::world::T0,
        "Expires": 60, "Contact": "<sip:x@192.0.2.9>", "Realm": "other.example.com", "Username": "eve",
    });
    let zone = registration::Zone::new("local");
    world.registrar.deliver(registrar::Delivery::new(
        &zone,
        event.to_string().as_bytes(),
    ));
    let answer = world.admin("GET", "/v2/registrations").await;
    assert_eq!(usernames(&answer.body), ["amy", "Bob", "eve", "zed"]);
    let answer = world.admin("GET", "/v2/registrations/count/").await;
    assert_eq!(answer.body["data"], json!({"count": 4}));
    for path in ["/v2/registrations", "/v2/registrations/count"] {
        let request = world.request("GET", path).header("X-Auth-Token", READER);
        assert_eq!(world.send(request).await.status, 403);
        assert_eq!(world.send(world.request("GET", path)).await.status, 401);
    }
}

/// A long list is sent as it is made; what is said of it is the same.
#[tokio::test]
async fn a_long_list_has_the_same_envelope() {
    let world = World::new();
    for number in 0..3000 {
        world.register(&format!("user{number:04}"), 600);
    }
    let answer = world.admin("GET", &registrations(ACME)).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["page_size"]),
        (200, &json!(3003))
    );
    assert_eq!(usernames(&answer.body).len(), 3003);
    let etag = answer.headers["etag"].clone();
    let again = world
        .request("GET", &registrations(ACME))
        .header("X-Auth-Token", ADMIN)
        .header("If-None-Match", &etag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    world.register("one-more", 600);
    let again = world
        .request("GET", &registrations(ACME))
        .header("X-Auth-Token", ADMIN)
        .header("If-None-Match", &etag);
    assert_eq!(again.send().await.unwrap().status(), 200);
    let short = world
        .admin("GET", &format!("{}?page_size=3", registrations(ACME)))
        .await;
    let (mut short, mut long) = (
        short.body.as_object().unwrap().clone(),
        answer.body.as_object().unwrap().clone(),
    );
    short.remove("next_start_key");
    for of in [&mut short, &mut long] {
        for own in ["data", "page_size", "revision", "request_id"] {
            assert!(of.remove(own).is_some(), "{own}");
        }
    }
    assert_eq!(short, long);
}
