//! `GET /healthz` and `GET /readyz`

use std::time::Duration;

use registrar::{LinkState, RecoverySettings};
use registration::Zone;
use serde_json::{Value, json};

use crate::world::World;

async fn get(world: &World, path: &str) -> (u16, Value) {
    let response = world.request("GET", path).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn alive_as_long_as_it_answers() {
    let world = World::new();
    assert_eq!(
        get(&world, "/healthz").await,
        (200, json!({"status": "alive"}))
    );
    assert_eq!(
        world
            .request("HEAD", "/healthz")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        world
            .request("PUT", "/healthz")
            .send()
            .await
            .unwrap()
            .status(),
        405
    );
}

#[tokio::test]
async fn ready_when_a_zone_is_warm_and_says_what_is_missing() {
    let world = World::new();
    let (status, body) = get(&world, "/readyz").await;
    assert_eq!(
        (status, body),
        (
            503,
            json!({"status": "not_ready", "reasons": ["no zone has begun to connect"], "zones": {}})
        )
    );
    let [east, west] = ["east", "west"].map(Zone::new);
    world.registrar.link(&east, LinkState::Consuming);
    world.clock.advance_millis(7_000);
    let reason = "no route".to_owned();
    world.registrar.link(&west, LinkState::Down { reason });
    let (status, body) = get(&world, "/readyz").await;
    assert_eq!(status, 503);
    let cold = json!({"broker": "consuming", "seconds": 7, "table": "cold"});
    assert_eq!(body["zones"]["east"], cold);
    let down = json!({"broker": "down", "reason": "no route", "seconds": 0, "table": "cold"});
    assert_eq!(body["zones"]["west"], down);

    assert_eq!(
        body["reasons"],
        json!([
            "zone east: what was missed is not asked for yet",
            "zone west: not connected to RabbitMQ: no route"
        ])
    );

    let registrar = std::sync::Arc::clone(&world.registrar);
    let settings = RecoverySettings {
        sync: false,
        peers: false,
        limit: Duration::ZERO,
    };
    let recovering = tokio::spawn(async move { registrar.recover(settings).await });
    let warm = async {
        while get(&world, "/readyz").await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), warm)
        .await
        .unwrap();
    let (_, body) = get(&world, "/readyz").await;
    assert_eq!(
        (&body["status"], &body["zones"]["east"]["table"]),
        (&json!("degraded"), &json!("warm"))
    );
    recovering.abort();
}
