//! Every refusal is enveloped and says what to do.

use crate::world::{ACME, ADMIN, EMPTY, READER, UNKNOWN, World, registrations};

#[tokio::test]
async fn who_may_do_what() {
    let world = World::new();
    let (acme, empty, unknown) = (
        registrations(ACME),
        registrations(EMPTY),
        registrations(UNKNOWN),
    );
    let one = format!("{acme}/zed");
    let count = format!("{acme}/count");
    for (method, path, token, status, message) in [
        ("GET", &acme, None, 401, "invalid_credentials"),
        ("GET", &acme, Some("wrong"), 401, "invalid_credentials"),
        ("GET", &count, None, 401, "invalid_credentials"),
        ("DELETE", &acme, None, 401, "invalid_credentials"),
        ("DELETE", &one, Some("wrong"), 401, "invalid_credentials"),
        ("GET", &unknown, None, 401, "invalid_credentials"),
        ("GET", &unknown, Some(READER), 403, "forbidden"),
        ("GET", &empty, Some(READER), 403, "forbidden"),
        ("DELETE", &acme, Some(READER), 403, "forbidden"),
        ("DELETE", &one, Some(READER), 403, "forbidden"),
        (
            "POST",
            &format!("{acme}?verb=DELETE"),
            Some(READER),
            403,
            "forbidden",
        ),
        ("GET", &unknown, Some(ADMIN), 404, "bad_identifier"),
        ("DELETE", &unknown, Some(ADMIN), 404, "bad_identifier"),
        (
            "GET",
            &registrations("short"),
            Some(ADMIN),
            404,
            "bad_identifier",
        ),
        (
            "GET",
            &registrations("short"),
            None,
            401,
            "invalid_credentials",
        ),
        (
            "GET",
            &registrations("%2e%2e%2f"),
            Some(ADMIN),
            404,
            "bad_identifier",
        ),
    ] {
        let mut request = world.request(method, path);
        if let Some(token) = token {
            request = request.header("X-Auth-Token", token);
        }
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["message"].as_str()),
            (status, Some(message)),
            "{method} {path} {token:?}"
        );
    }
    assert!(world.flushed().is_empty());
}

#[tokio::test]
async fn wrong_verbs_say_which_are_right() {
    let world = World::new();
    for (method, path, allow) in [
        ("PUT", registrations(ACME), "GET, HEAD, DELETE, OPTIONS"),
        ("POST", registrations(ACME), "GET, HEAD, DELETE, OPTIONS"),
        (
            "PATCH",
            format!("{}/count", registrations(ACME)),
            "GET, HEAD, DELETE, OPTIONS",
        ),
        (
            "PUT",
            format!("{}/bob", registrations(ACME)),
            "GET, HEAD, DELETE, OPTIONS",
        ),
    ] {
        let answer = world.admin(method, &path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["message"].as_str()),
            (405, Some("invalid_method")),
            "{method} {path}"
        );
        assert_eq!(answer.headers["allow"], allow);
    }
}

#[tokio::test]
async fn unknown_paths_and_unreadable_bodies() {
    let world = World::new();
    for path in [
        "/",
        "/v2",
        "/v1/accounts",
        "/v2/accounts/x/devices",
        "/v2//accounts",
        "/v2/accounts/a/registrations/b/c",
    ] {
        let answer = world.admin("GET", path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["message"].as_str()),
            (404, Some("faulty_request")),
            "{path}"
        );
    }
    let post = |body: String| {
        world
            .request("POST", &registrations(ACME))
            .header("X-Auth-Token", ADMIN)
            .body(body)
    };
    let answer = world.send(post("not json".into())).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["message"].as_str()),
        (400, Some("parse_error"))
    );
    let answer = world.send(post(format!("\"{}\"", "x".repeat(5000)))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["message"].as_str()),
        (413, Some("too_large"))
    );
}

#[tokio::test]
async fn a_preflight_needs_no_token() {
    let world = World::new();
    let response = world
        .request("OPTIONS", &registrations(ACME))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert!(
        response.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("X-Auth-Token")
    );
}
