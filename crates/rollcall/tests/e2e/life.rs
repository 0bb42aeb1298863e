//! The process through outages, stops and starts.

use std::{path::Path, time::Duration};

use anyhow::ensure;
use lab::{
    broker::Broker,
    kamailio,
    phones::Phones,
    stack::Stack,
    subscribers::{account_id, generate},
    wait,
};
use nix::sys::signal::Signal;

use crate::world::{PATIENCE, PROGRAM, REALMS, World};

#[tokio::test]
async fn a_broker_killed_and_restarted() -> anyhow::Result<()> {
    let mut broker = Broker::start().await?;
    let vhost = broker.vhost("/");
    let subscribers = generate(&REALMS[..1], 2);
    let proxy = kamailio::Options::default();
    let settings = [("AMQP__RECONNECT_MAX", "1000")];
    let mut stack = Stack::start(
        Path::new(PROGRAM),
        vhost.uri(),
        &subscribers,
        &proxy,
        &settings,
    )
    .await?;
    let phones = Phones::new()?;
    phones
        .register(stack.kamailio.sip_port(), &subscribers[..1], 600)
        .await?;
    let account = account_id(REALMS[0]);
    let aors = |count: usize| {
        (1..=count)
            .map(|n| format!("user{n:03}@{}", REALMS[0]))
            .collect::<Vec<_>>()
    };
    wait::until_eq("HTTP", PATIENCE, &aors(1), async || {
        stack.rollcall.aors(&account).await
    })
    .await?;

    broker.kill();
    let path = format!("/v2/accounts/{account}/registrations");
    let (status, answer) = stack.rollcall.call("DELETE", &path).await?;
    ensure!(
        status == 503 && answer["message"] == "broker_unreachable",
        "{status} {answer}"
    );
    ensure!(
        stack.rollcall.aors(&account).await? == aors(1),
        "nothing is removed while the broker is away"
    );

    broker.restart().await?;
    stack.rollcall.consuming(2).await?;
    // The directory's stand-in does not reconnect, and Kamailio takes its time.
    let _directory = lab::directory::Directory::start(vhost.uri(), &subscribers).await?;
    let port = stack.kamailio.sip_port();
    wait::until("the next REGISTER", Duration::from_mins(1), async || {
        phones.register(port, &subscribers[1..], 600).await
    })
    .await?;
    wait::until_eq("HTTP", PATIENCE, &aors(2), async || {
        stack.rollcall.aors(&account).await
    })
    .await
}

#[tokio::test]
async fn a_stop_is_orderly_and_a_start_within_minutes_loses_no_event() -> anyhow::Result<()> {
    let mut world = World::start(generate(&REALMS[..1], 10)).await?;
    let all = world.aors(|_| true);
    let (first, rest) = world.subscribers.split_at(5);
    world
        .phones
        .register(world.stack.kamailio.sip_port(), first, 600)
        .await?;
    wait::until_eq("HTTP", PATIENCE, &all[..5].to_vec(), async || {
        world.http().await
    })
    .await?;

    world.stack.rollcall.process().signal(Signal::SIGTERM);
    let status = world.stack.rollcall.process().wait(PATIENCE)?;
    ensure!(status.success(), "{status}: {}", world.stack.rollcall.log());
    world
        .phones
        .register(world.stack.kamailio.sip_port(), rest, 600)
        .await?;
    let node = format!("rollcall@lab-{}", world.stack.rollcall.port());
    let settings = [("AMQP__NODE", node.as_str())];
    world.stack.rollcall =
        lab::rollcall::Rollcall::start(Path::new(PROGRAM), world.vhost.uri(), &settings).await?;
    wait::until_eq("HTTP", PATIENCE, &all, async || world.http().await).await
}

#[tokio::test]
async fn garbage_is_logged_once_and_harms_nothing() -> anyhow::Result<()> {
    let world = World::start(generate(&REALMS[..1], 1)).await?;
    let client = lab::amqp::Client::connect(world.vhost.uri()).await?;
    let large = vec![b' '; 5 << 20];
    let garbage: [&[u8]; 5] = [
        b"not JSON",
        b"[1,2]",
        br#"{"Event-Category":"directory","Event-Name":"reg_success","Username":"x"}"#,
        &large,
        b"\xff\xfe",
    ];
    for body in garbage {
        for _ in 0..20 {
            client
                .publish("registrar", "registration.success.a.b", body)
                .await?;
        }
    }
    world.register_all(600).await?;
    world.both_show(&world.aors(|_| true)).await?;
    let log = world.stack.rollcall.log();
    for reason in [
        "not_json",
        "not_an_object",
        "missing_header",
        "too_large",
        "not_utf8",
    ] {
        let lines = log
            .lines()
            .filter(|line| line.contains(&format!("reason=\"{reason}\"")))
            .count();
        ensure!(lines == 1, "{reason} stands in {lines} lines: {log}");
    }
    Ok(())
}
