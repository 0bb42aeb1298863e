//! A broker that accepts connections and then says nothing. A process of its own: it counts threads.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    time::Duration,
};

use amqp::{AmqpBus, Settings, ZoneSettings};
use anyhow::ensure;
use kapi::Identity;
use registrar::{Accounts, LinkState, Registrar};
use registration::{SystemClock, Zone};
use tokio_util::sync::CancellationToken;

const TIMEOUT: Duration = Duration::from_secs(20);

fn client_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm"));
    tasks
        .filter_map(|task| name(task.ok()?).ok())
        .filter(|name| name.starts_with("lapin"))
        .count()
}

#[tokio::test]
async fn a_broker_that_says_nothing_is_given_up_and_leaves_nothing_behind() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let uri = format!("amqp://u:hunter2@{}/v", listener.local_addr()?);
    let accepting = tokio::task::spawn_blocking(move || {
        // EntryRef, so that it is us who hang up.
        (0..12)
            .map(|_| listener.accept().map(|(socket, _)| socket))
            .collect::<Result<Vec<_>, _>>()
    });
    let zone = Zone::new("local");
    let settings = Settings {
        node: "rollcall@silent".into(),
        prefetch: 10,
        heartbeat: Duration::from_secs(1),
        connect_timeout: Duration::from_millis(50),
        publish_timeout: Duration::from_secs(1),
        reconnect_min: Duration::from_millis(10),
        reconnect_max: Duration::from_millis(20),
        queue_expires: Duration::from_mins(1),
        queue_max_length: 10,
        answer_queries: true,
        elect_notifier: false,
    };
    let bus = AmqpBus::new(
        settings,
        vec![ZoneSettings {
            zone: zone.clone(),
            uris: vec![uri.into()],
            access: amqp::Access::default(),
        }],
    )?;
    let registrar = Arc::new(Registrar::new(
        registrar::Settings::new(Identity::new("rollcall@silent")?),
        Accounts::new(HashMap::new()),
        Arc::<AmqpBus>::clone(&bus),
        Arc::new(SystemClock),
        Vec::new(),
    ));
    let stop = CancellationToken::new();
    let supervisor = bus.supervisors(&registrar, &stop).remove(0);
    let supervisor = tokio::spawn(supervisor);
    let sockets = tokio::time::timeout(TIMEOUT, accepting).await???;

    let state = registrar.health().zones()[zone.as_str()].link.clone();
    let LinkState::Down { reason } = state else {
        panic!("{state:?}");
    };
    assert_eq!(reason, "no connection within 0.05 s");
    lab::wait::until("abandoned connections to end", TIMEOUT, async || {
        let threads = client_threads();
        ensure!(threads <= 2, "{threads} threads for one connection");
        Ok(())
    })
    .await?;
    stop.cancel();
    tokio::time::timeout(TIMEOUT, supervisor).await??;
    lab::wait::until("the last thread to end", TIMEOUT, async || {
        ensure!(client_threads() == 0, "{} left", client_threads());
        Ok(())
    })
    .await?;
    drop(sockets);
    Ok(())
}
