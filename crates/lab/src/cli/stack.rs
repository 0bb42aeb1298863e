//! `stack`: the whole stack, held by one process that ends it all.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Args;
use lab::{
    broker::Broker,
    kamailio,
    phones::Phones,
    rollcall::TOKEN,
    stack::Stack,
    subscribers::{Subscriber, account_id, generate},
    wait,
};
use tokio::signal::unix::{SignalKind, signal};

const REALMS: [&str; 3] = ["red.example.com", "green.example.com", "blue.example.com"];
const PHONES_PER_REALM: [usize; 3] = [17, 17, 16];
/// Lifetime that the phones ask for, in seconds, and how often they refresh.
pub(crate) const EXPIRES: u32 = 300;
pub(crate) const REFRESH: Duration = Duration::from_mins(1);
const START_PATIENCE: Duration = Duration::from_mins(2);

/// Where the stack listens.
#[derive(Debug, Args)]
pub(crate) struct Ports {
    /// rollcall's HTTP port on 127.0.0.1
    #[arg(long, default_value_t = 8000)]
    http: u16,
    /// Kamailio's SIP port on 127.0.0.1
    #[arg(long, default_value_t = 5060)]
    sip: u16,
}

/// 50 phones in three realms.
pub(crate) fn subscribers() -> Vec<Subscriber> {
    REALMS
        .iter()
        .zip(PHONES_PER_REALM)
        .flat_map(|(realm, count)| generate(&[realm], count))
        .collect()
}

/// Holds the stack until SIGTERM, and says how to use it once it is complete. Parts end in reverse
/// order of their start.
#[expect(clippy::print_stdout, reason = "a command's answer")]
pub(crate) async fn stack(ports: &Ports) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let program = std::env::current_exe()?.with_file_name("rollcall");
    let broker = Broker::start().await?;
    let vhost = broker.vhost("/");
    let proxy = kamailio::Options {
        port: Some(ports.sip),
        ..kamailio::Options::default()
    };
    let http = ports.http.to_string();
    let settings = [
        ("HTTP__PORT", http.as_str()),
        ("AMQP__NODE", "rollcall@lab"),
    ];
    let stack = Stack::start(&program, vhost.uri(), &subscribers(), &proxy, &settings).await?;
    let phones = Phones::new()?;
    phones.register(ports.sip, &subscribers(), EXPIRES).await?;
    wait::until("the phones to show up", START_PATIENCE, async || {
        for (realm, count) in REALMS.iter().zip(PHONES_PER_REALM) {
            let listed = stack.rollcall.aors(&account_id(realm)).await?.len();
            ensure!(listed == count, "{realm} has {listed} of {count}");
        }
        Ok(())
    })
    .await?;
    println!("{}", how_to(ports, broker.amqp_port()));
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(REFRESH) => {
                let refreshed = phones.register(ports.sip, &subscribers(), EXPIRES).await;
                if let Err(error) = refreshed.context("the phones could not refresh") {
                    tracing::warn!("{error:#}");
                }
            }
        }
    }
}

fn how_to(ports: &Ports, amqp: u16) -> String {
    let accounts: Vec<_> = REALMS
        .iter()
        .zip(PHONES_PER_REALM)
        .map(|(realm, n)| format!("  {}  {realm}  ({n} phones)", account_id(realm)))
        .collect();
    let url = format!(
        "http://127.0.0.1:{}/v2/accounts/{}/registrations",
        ports.http,
        account_id("red.example.com")
    );
    format!(
        "The lab is up: real RabbitMQ (amqp://127.0.0.1:{amqp}), real Kamailio (sip:127.0.0.1:{}), SIPp phones that \
         refresh every {} s.\n\nAccounts:\n{}\n\nList, count, flush one, flush all:\n\n  \
         curl -sH 'X-Auth-Token: {TOKEN}' '{url}?pretty=true'\n  \
         curl -sH 'X-Auth-Token: {TOKEN}' {url}/count\n  \
         curl -sH 'X-Auth-Token: {TOKEN}' -X DELETE {url}/user001\n  \
         curl -sH 'X-Auth-Token: {TOKEN}' -X DELETE {url}\n\nscripts/lab down ends it.",
        ports.sip,
        REFRESH.as_secs(),
        accounts.join("\n"),
    )
}
