//! What is answered before the routes is answered as the routes do it. A slash at the end of the
//! path leaves a request to these.

use reqwest::{
    Method,
    header::{DATE, HeaderName, HeaderValue},
};

use crate::world::{ACME, ADMIN, EMPTY, READER, UNKNOWN, World, registrations};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// Status, head and body.
async fn asked(world: &World, path: &str, headers: &[(&'static str, &str)]) -> (u16, Head, String) {
    let mut request = world
        .client
        .request(Method::GET, format!("{}{path}", world.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.header("X-Request-ID", ID).send().await.unwrap();
    let head = answer.headers().clone().into_iter();
    let mut head: Head = head
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _)| *name != DATE)
        .collect();
    head.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (status, head, String::from_utf8_lossy(&body).into_owned())
}

type Head = Vec<(HeaderName, HeaderValue)>;

#[tokio::test]
async fn as_the_routes_answer() {
    let world = World::new();
    let list = asked(&world, &registrations(ACME), &[("X-Auth-Token", READER)]).await;
    let etag = list.1.iter().find(|(name, _)| name == "etag").unwrap();
    let etag = etag.1.to_str().unwrap().to_owned();
    let good = ("X-Auth-Token", READER);
    for (account, headers, status) in [
        (ACME, vec![good], 200),
        (ACME, vec![("Authorization", "Bearer planted-reader")], 200),
        (ACME, vec![good, ("Accept", "application/json")], 200),
        (ACME, vec![good, ("If-None-Match", "\"other\"")], 200),
        (ACME, vec![good, ("Accept-Encoding", "gzip, br")], 200),
        (ACME, vec![good, ("Accept-Encoding", "x, *;q=0")], 406),
        (ACME, vec![good, ("Accept", "image/png")], 406),
        (ACME, vec![], 401),
        (ACME, vec![("X-Auth-Token", "planted-wrong")], 401),
        (EMPTY, vec![good], 403),
        (EMPTY, vec![("X-Auth-Token", ADMIN)], 200),
        (UNKNOWN, vec![("X-Auth-Token", ADMIN)], 404),
    ] {
        for (what, query) in [
            ("", ""),
            ("/count", ""),
            ("", "?filter_username=amy"),
            ("/count", "?pretty"),
        ] {
            let path = format!("{}{what}", registrations(account));
            let at_once = asked(&world, &format!("{path}{query}"), &headers).await;
            let routed = asked(&world, &format!("{path}/{query}"), &headers).await;
            assert_eq!(at_once, routed, "{path}{query} {headers:?}");
            assert_eq!(at_once.0, status, "{path}{query} {headers:?}");
        }
    }
    let known = [good, ("If-None-Match", etag.as_str())];
    for path in [registrations(ACME), format!("{}/", registrations(ACME))] {
        assert_eq!(asked(&world, &path, &known).await.0, 304);
    }
}

/// Both ways count.
#[tokio::test]
async fn what_is_answered_at_once_is_counted() {
    let world = World::new();
    for path in ["", "/", "/count", "/count/"] {
        let path = format!("{}{path}", registrations(ACME));
        asked(&world, &path, &[("X-Auth-Token", READER)]).await;
    }
    let metrics = asked(&world, "/metrics", &[("X-Auth-Token", ADMIN)])
        .await
        .2;
    for path in ["", "/count"] {
        let line = format!(
            "rollcall_http_requests_total{{method=\"GET\",route=\"/v2/accounts/{{account_id}}/registrations{path}\",status=\"200\"}} 2"
        );
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
}
