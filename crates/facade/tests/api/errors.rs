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
        "/nowhere",
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

/// Whatever stands in a path, the answer is in the envelope and as the table says.
#[tokio::test]
async fn hostile_paths() {
    let world = World::new();
    let long = "x".repeat(20_000);
    let acme = registrations(ACME);
    for (path, status) in [
        (format!("{acme}/%00"), 400),
        (format!("{acme}/..%2F..%2Fx"), 404),
        (format!("{acme}/%2e%2e%2fx"), 404),
        (format!("{acme}/{long}"), 400),
        (format!("{acme}/%FF%FE"), 404),
        (format!("{acme}/b%C3%BCcher"), 404),
        (format!("{acme}/%E7%94%B5%E8%AF%9D"), 404),
        ("/v2/accounts/%00/registrations".to_owned(), 404),
        ("/v2/accounts/..%2F/registrations".to_owned(), 404),
        (format!("/v2/accounts/{long}/registrations"), 404),
        (
            "/v2/accounts/b%C3%BCcher.example.com/registrations".to_owned(),
            404,
        ),
        ("/%00".to_owned(), 404),
        (format!("/{long}"), 404),
    ] {
        let answer = world.admin("GET", &path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let head = world
            .request("HEAD", &path)
            .header("X-Auth-Token", ADMIN)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (
                head.status().as_u16(),
                head.headers()["content-type"].to_str().unwrap()
            ),
            (status, "application/json")
        );
    }
    assert!(world.flushed().is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new();
    let address = world.base.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {ADMIN}\r\nContent-Length: 9\r\n\r\n{{",
        registrations(ACME)
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let limit = std::time::Duration::from_secs(30);
    let length = tokio::time::timeout(limit, socket.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}
