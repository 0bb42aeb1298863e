//! An account's changes as they happen.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use crate::world::{ACME, ADMIN, READER, World, registrations};

/// A stream as a browser would read it.
struct Stream {
    response: Response,
    text: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

impl Stream {
    async fn open(world: &World, last: Option<&str>) -> Self {
        let path = format!("{}/events", registrations(ACME));
        let mut request = world
            .request("GET", &path)
            .header("X-Auth-Token", READER)
            .header("Accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    block.lines().find_map(|line| {
                        Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned())
                    })
                };
                let event = field("event").map(|name| Event {
                    name,
                    id: field("id"),
                    data: serde_json::from_str(&field("data").unwrap()).unwrap(),
                });
                self.text = rest.to_string();
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.response.chunk())
                .await
                .unwrap();
            self.text
                .push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    async fn named(&mut self, name: &str) -> Event {
        let event = self.next().await.unwrap();
        assert_eq!(event.name, name, "{event:?}");
        event
    }
}

#[tokio::test]
async fn what_happens_is_told_and_of_no_other_account() {
    let world = World::new();
    let mut stream = Stream::open(&world, None).await;
    stream.named("ready").await;
    let zone = registration::Zone::new("local");
    let foreign = serde_json::json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": crate::world::T0,
        "Expires": 60, "Contact": "<sip:x@192.0.2.9>", "Realm": "other.example.com", "Username": "eve",
    });
    world.registrar.deliver(registrar::Delivery::new(
        &zone,
        foreign.to_string().as_bytes(),
    ));
    world.register("new", 600);
    let event = stream.named("registered").await;
    assert_eq!(event.data["username"], "new");
    assert_eq!(event.data["contact_ip"], "192.0.2.1");
    assert!(event.data.get("account_id").is_none());
    world.register("new", 700);
    assert_eq!(stream.named("refreshed").await.data["expires"], 880);
    world.register("new", 0);
    stream.named("unregistered").await;
    world
        .admin("DELETE", &format!("{}/amy", registrations(ACME)))
        .await;
    assert_eq!(stream.named("flushed").await.data["username"], "amy");
    // Its time is up, and it comes back before anyone has looked.
    world.clock.advance_millis(900_000);
    let zone = registration::Zone::new("local");
    let back = serde_json::json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": crate::world::T0 + 900,
        "Expires": 60, "Contact": "<sip:x@192.0.2.9>", "Realm": crate::world::REALM, "Username": "zed",
    });
    world
        .registrar
        .deliver(registrar::Delivery::new(&zone, back.to_string().as_bytes()));
    assert_eq!(stream.named("expired").await.data["username"], "zed");
    assert_eq!(stream.named("registered").await.data["username"], "zed");
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_missed_or_to_list_again() {
    let world = World::new();
    let mut stream = Stream::open(&world, None).await;
    let ready = stream.named("ready").await.id.unwrap();
    world.register("one", 600);
    let one = stream.named("registered").await.id.unwrap();
    drop(stream);
    world.register("two", 600);
    let mut back = Stream::open(&world, Some(&one)).await;
    assert_eq!(back.named("registered").await.data["username"], "two");
    back.named("ready").await;
    // The feed keeps eight.
    for number in 0..10 {
        world.register(&format!("user{number}"), 600);
    }
    for stale in [ready.as_str(), "other-1", "x"] {
        let mut late = Stream::open(&world, Some(stale)).await;
        late.named("reset").await;
        late.named("ready").await;
    }
}

#[tokio::test]
async fn who_reads_too_slowly_is_dropped_with_a_last_word() {
    let world = World::new();
    let mut slow = Stream::open(&world, None).await;
    slow.named("ready").await;
    // More than what the sockets hold, many times over what the feed keeps.
    for number in 0..40_000 {
        world.register(&format!("user{}", number % 100), 600 + number / 100);
    }
    let mut last = None;
    while let Some(event) = slow.next().await {
        last = Some(event.name);
    }
    assert_eq!(last.as_deref(), Some("dropped"));
}

#[tokio::test]
async fn it_is_for_those_who_may_see_the_account() {
    let world = World::new();
    let path = format!("{}/events", registrations(ACME));
    assert_eq!(world.send(world.request("GET", &path)).await.status, 401);
    let empty = format!("{}/events", registrations(crate::world::EMPTY));
    let request = world.request("GET", &empty).header("X-Auth-Token", READER);
    assert_eq!(world.send(request).await.status, 403);
    // A username like any other to flush.
    world.register("events", 600);
    let answer = world
        .send(world.request("DELETE", &path).header("X-Auth-Token", ADMIN))
        .await;
    assert_eq!(answer.status, 200);
}
