//! What the proxies do not tell, or tell in the wrong order.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use lab::{
    broker::{Broker, vhost},
    phones::Phones,
    subscribers::{account_id, generate},
    tcp_phone::TcpPhone,
    wait,
};

use crate::{
    cluster::{Cluster, ROUND},
    world::{PATIENCE, REALMS},
};

/// The proxy publishes over many channels; at this rate a part of the pairs comes swapped.
#[tokio::test]
async fn a_thousand_that_register_and_unregister_within_the_second() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..2], 600)).await?;
    // From events alone.
    let rollcall = cluster
        .rollcall("rollcall@flicker", &[("RECONCILE__INTERVAL", "0")])
        .await?;
    let (stay, flicker) = cluster.subscribers.split_at(200);
    let phones = Phones::new()?.with_rate(200);
    phones.register(cluster.port(0), stay, 600).await?;
    let client = lab::amqp::Client::connect(vhost.uri()).await?;
    let mut tap = client.tap("registrar", "registration.success.*.*").await?;
    let begun = Instant::now();
    phones.flicker(cluster.port(0), flicker, 600).await?;
    let rate = 1000.0 / begun.elapsed().as_secs_f64();
    ensure!(rate >= 100.0, "only {rate} a second");
    // How the events came, to see that the order was not kept by chance.
    let mut swapped = 0;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 * flicker.len() {
        let event = tap.next(PATIENCE).await?.json()?;
        let user = event["Username"].to_string() + &event["Realm"].to_string();
        if event["Status"] == "Registered" {
            seen.insert(user);
        } else if !seen.contains(&user) {
            swapped += 1;
        }
    }
    println!("{rate:.0} pairs a second, {swapped} of 1000 swapped");
    let held = cluster.agrees(&rollcall).await?;
    ensure!(held == 200, "{held}");
    Ok(())
}

/// No event tells of a lost connection, or of what is lost with the broker.
#[tokio::test]
async fn one_round_finds_what_was_not_told_and_no_live_phone_is_missing() -> anyhow::Result<()> {
    let mut broker = Broker::start().await?;
    let vhost = broker.vhost("/");
    let mut cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..1], 20)).await?;
    let settings = [("RECONCILE__INTERVAL", "5")];
    let rollcall = Arc::new(cluster.rollcall("rollcall@drift", &settings).await?);
    let phones = Phones::new()?;
    let (on_tcp, on_udp) = cluster.subscribers.split_at(1);
    let (leaving, staying) = on_udp.split_at(5);
    let tcp = TcpPhone::register(cluster.port(0), &on_tcp[0], 600).await?;
    phones.register(cluster.port(0), on_udp, 600).await?;
    ensure!(cluster.agrees(&rollcall).await? == 20);

    // From here on, every list has every phone that stays.
    let watching = tokio::spawn(watch(
        Arc::clone(&rollcall),
        staying
            .iter()
            .map(|s| format!("{}@{}", s.username, s.realm))
            .collect(),
    ));
    tcp.cut_off();
    wait::until_eq("the proxy to notice", PATIENCE, &19, async || {
        Ok(cluster.truth().await?.len())
    })
    .await?;
    ensure!(
        rollcall.aors(&account_id(REALMS[0])).await?.len() == 20,
        "nothing told"
    );
    ensure!(cluster.agrees(&rollcall).await? == 19);

    broker.kill();
    phones.unregister(cluster.port(0), leaving).await?;
    phones.register(cluster.port(0), staying, 700).await?;
    broker.restart().await?;
    cluster.new_directory().await?;
    ensure!(cluster.agrees(&rollcall).await? == 14);
    ensure!(!watching.is_finished(), "{:?}", watching.await?);
    watching.abort();
    let log = rollcall.log();
    ensure!(
        log.contains("ghosts=1 ") && log.contains("ghosts=5 "),
        "{log}"
    );
    Ok(())
}

/// Ends when one of `staying` is missing, with its name.
async fn watch(
    rollcall: Arc<lab::rollcall::Rollcall>,
    staying: Vec<String>,
) -> anyhow::Result<String> {
    loop {
        let shown = rollcall.aors(&account_id(REALMS[0])).await?;
        if let Some(missing) = staying.iter().find(|aor| !shown.contains(aor)) {
            return Ok(missing.clone());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A proxy that goes takes no phone with it; one that comes back is asked again.
#[tokio::test]
async fn a_proxy_that_is_away_loses_no_phone() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let mut cluster = Cluster::start(vhost.uri(), 2, generate(&REALMS[..1], 10)).await?;
    let settings = [("RECONCILE__INTERVAL", "5")];
    let rollcall = cluster.rollcall("rollcall@away", &settings).await?;
    let (one, two) = cluster.subscribers.split_at(5);
    let phones = Phones::new()?;
    phones.register(cluster.port(0), one, 600).await?;
    phones.register(cluster.port(1), two, 600).await?;
    ensure!(cluster.agrees(&rollcall).await? == 10);
    drop(cluster.proxies.remove(1));
    // Rounds in which the other answers.
    wait::until("rounds without an answer", ROUND, async || {
        let (_, body) = rollcall.call("GET", "/readyz").await?;
        ensure!(body["reconciliation"]["unanswered"] == 1, "{body}");
        Ok(())
    })
    .await?;
    let shown = cluster.shown(&rollcall).await?;
    ensure!(shown.len() == 10, "{shown:?}");
    Ok(())
}
