//! Any part may have been down: afterwards the table equals the proxies'.

use anyhow::ensure;
use lab::{
    broker::{Broker, vhost},
    phones::Phones,
    subscribers::generate,
    wait,
};

use crate::{
    cluster::{Cluster, ROUND},
    world::REALMS,
};

const NODE: &str = "rollcall@recovery";
/// With this and a thousand phones there is traffic for as long as rollcall is down.
const RATE: u32 = 200;

/// Thirty seconds of traffic at the proxy: every phone registers, refreshes, and a part of them
/// unregisters and registers again.
async fn traffic(cluster: &Cluster, phones: &Phones) -> anyhow::Result<()> {
    let all = &cluster.subscribers;
    let third = all.len() / 3;
    phones.register(cluster.port(0), all, 600).await?;
    phones.register(cluster.port(0), all, 900).await?;
    phones.unregister(cluster.port(0), &all[..third]).await?;
    phones
        .register(cluster.port(0), &all[..third / 2], 600)
        .await
}

#[tokio::test]
async fn rollcall_killed_under_load_and_started_later() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS, 700)).await?;
    let home = tempfile::tempdir()?;
    let file = home.path().join("snapshot");
    let snapshot = [
        ("SNAPSHOT__FILE", file.to_str().unwrap()),
        ("SNAPSHOT__INTERVAL", "5"),
    ];
    let mut rollcall = cluster.rollcall(NODE, &snapshot).await?;
    let phones = Phones::new()?.with_rate(RATE);

    // Under way when it is killed, and over half a minute later.
    let killing = async {
        wait::until("some to be registered", ROUND, async || {
            let shown = cluster.shown(&rollcall).await?.len();
            ensure!(shown > 300, "{shown} are");
            Ok(())
        })
        .await?;
        rollcall.process().kill();
        anyhow::Ok(())
    };
    let (traffic, killed) = tokio::join!(traffic(&cluster, &phones), killing);
    traffic.and(killed)?;
    let rollcall = cluster.rollcall(NODE, &snapshot).await?;
    let held = cluster.agrees(&rollcall).await?;
    ensure!(held == 2100 - 700 + 350, "{held}");

    // Once more without its snapshot and without what its queue has kept.
    drop(rollcall);
    std::fs::remove_file(&file)?;
    vhost
        .delete_queue(&format!("rollcall-registrar-{NODE}"))
        .await?;
    let third = &cluster.subscribers[..700];
    phones.unregister(cluster.port(0), &third[..350]).await?;
    let rollcall = cluster.rollcall(NODE, &snapshot).await?;
    let held = cluster.agrees(&rollcall).await?;
    ensure!(held == 2100 - 700, "{held}");
    Ok(())
}

#[tokio::test]
async fn a_broker_killed_under_load() -> anyhow::Result<()> {
    let mut broker = Broker::start().await?;
    let vhost = broker.vhost("/");
    let mut cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS, 300)).await?;
    let rollcall = cluster.rollcall(NODE, &[]).await?;
    let phones = Phones::new()?.with_rate(RATE);
    phones
        .register(cluster.port(0), &cluster.subscribers, 600)
        .await?;
    cluster.agrees(&rollcall).await?;

    broker.kill();
    // Known phones are taken without asking the directory, and no event tells of it.
    let (gone, rest) = cluster.subscribers.split_at(100);
    phones.unregister(cluster.port(0), gone).await?;
    phones.register(cluster.port(0), rest, 900).await?;
    broker.restart().await?;
    cluster.new_directory().await?;
    let held = cluster.agrees(&rollcall).await?;
    ensure!(held == 800, "{held}");
    let log = rollcall.log();
    ensure!(log.contains("ghosts=100"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_fresh_node_that_has_only_a_peer() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let mut cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS, 100)).await?;
    let peer = cluster.rollcall("rollcall@peer", &[]).await?;
    let phones = Phones::new()?.with_rate(RATE);
    phones
        .register(cluster.port(0), &cluster.subscribers, 600)
        .await?;
    cluster.agrees(&peer).await?;
    let truth = cluster.truth().await?;

    cluster.proxies.clear();
    let fresh = cluster.rollcall("rollcall@fresh", &[]).await?;
    let shown = cluster.shown(&fresh).await?;
    ensure!(shown == truth, "{} of {}", shown.len(), truth.len());
    let account = lab::subscribers::account_id(REALMS[0]);
    let (mut theirs, mut ours) = (peer.list(&account).await?, fresh.list(&account).await?);
    for list in [&mut theirs, &mut ours] {
        list.sort_by_key(|r| r["username"].as_str().map(str::to_owned));
    }
    // To the field: nothing is lost on the way.
    ensure!(theirs == ours, "{} and {}", theirs[0], ours[0]);
    Ok(())
}

/// No other node is left to be asked: all of it comes from the file.
#[tokio::test]
async fn a_stop_leaves_a_snapshot_of_all() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let mut cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..1], 20)).await?;
    let home = tempfile::tempdir()?;
    let file = home.path().join("snapshot");
    let snapshot = [("SNAPSHOT__FILE", file.to_str().unwrap())];
    let mut rollcall = cluster.rollcall(NODE, &snapshot).await?;
    let phones = Phones::new()?;
    phones
        .register(cluster.port(0), &cluster.subscribers, 600)
        .await?;
    cluster.agrees(&rollcall).await?;
    let truth = cluster.truth().await?;
    rollcall.process().signal(nix::sys::signal::Signal::SIGTERM);
    rollcall.process().wait(ROUND)?;
    cluster.proxies.clear();
    vhost
        .delete_queue(&format!("rollcall-registrar-{NODE}"))
        .await?;
    let rollcall = cluster.rollcall(NODE, &snapshot).await?;
    ensure!(cluster.shown(&rollcall).await? == truth);

    // One that is damaged is refused whole, and the start goes on.
    drop(rollcall);
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes)?;
    let rollcall = cluster.rollcall("rollcall@damaged", &snapshot).await?;
    ensure!(cluster.shown(&rollcall).await?.is_empty());
    let log = rollcall.log();
    ensure!(log.contains("the snapshot cannot be used"), "{log}");
    Ok(())
}
