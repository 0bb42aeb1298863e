//! Two brokers as two zones.

use anyhow::ensure;
use lab::{
    broker::{Broker, vhost},
    phones::Phones,
    subscribers::{account_id, generate},
    wait,
};

use crate::{
    cluster::Cluster,
    world::{PATIENCE, REALMS},
};

#[tokio::test]
async fn both_are_shown_and_flushed_and_one_goes_on_without_the_other() -> anyhow::Result<()> {
    let east = vhost().await?;
    let mut broker = Broker::start().await?;
    let west = broker.vhost("/");
    let subscribers = generate(&REALMS[..1], 6);
    let (here, there) = subscribers.split_at(3);
    let in_east = Cluster::start(east.uri(), 1, subscribers.clone()).await?;
    let in_west = Cluster::start(west.uri(), 1, subscribers.clone()).await?;
    // The zone `local` is the first.
    let settings = [
        ("ZONES__WEST__URIS", west.uri()),
        ("LOG__LEVEL", "info,amqp=trace"),
    ];
    let rollcall = in_east.rollcall("rollcall@zones", &settings).await?;
    let phones = Phones::new()?;
    phones.register(in_east.port(0), here, 600).await?;
    phones.register(in_west.port(0), there, 600).await?;
    let account = account_id(REALMS[0]);
    let shows = async |count: usize| {
        wait::until_eq("HTTP", PATIENCE, &count, async || {
            Ok(rollcall.aors(&account).await?.len())
        })
        .await
    };
    shows(6).await?;
    for cluster in [&in_east, &in_west] {
        wait::until_eq("the proxy's database", PATIENCE, &3, async || {
            cluster.proxies[0].database_len()
        })
        .await?;
    }
    let path = format!("/v2/accounts/{account}/registrations");
    let (status, answer) = rollcall.call("DELETE", &path).await?;
    ensure!(
        status == 200 && answer.get("warning").is_none(),
        "{status} {answer}"
    );
    for cluster in [&in_east, &in_west] {
        wait::until_eq("the proxy to forget", PATIENCE, &0, async || {
            Ok(cluster.truth().await?.len())
        })
        .await?;
    }
    shows(0).await?;
    // What is deleted stays in the proxy's memory until it has written its database.
    for cluster in [&in_east, &in_west] {
        wait::until_eq("the proxy to write that", PATIENCE, &0, async || {
            cluster.proxies[0].database_len()
        })
        .await?;
    }

    phones.register(in_east.port(0), here, 600).await?;
    phones.register(in_west.port(0), there, 600).await?;
    shows(6).await.map_err(|e| e.context(rollcall.log()))?;
    broker.kill();
    wait::until("health to show it", PATIENCE, async || {
        let (status, body) = rollcall.call("GET", "/readyz").await?;
        let (local, west) = (&body["zones"]["local"], &body["zones"]["west"]);
        ensure!(
            status == 200 && body["status"] == "degraded",
            "{status} {body}"
        );
        ensure!(
            local["broker"] == "consuming" && west["broker"] == "down",
            "{body}"
        );
        Ok(())
    })
    .await?;
    // The other goes on; of the one that is down nothing is removed, and a flush says so.
    phones.unregister(in_east.port(0), &here[..1]).await?;
    shows(5).await?;
    let (status, answer) = rollcall.call("DELETE", &path).await?;
    ensure!(status == 200, "{status} {answer}");
    let warning = answer["warning"].as_str().unwrap_or_default();
    ensure!(warning.contains("west"), "{answer}");
    Ok(())
}
