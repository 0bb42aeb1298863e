//! A trial by faults with a real Kamailio, whose phones really REGISTER: in the end rollcall's table has
//! to equal `ul.dump`.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use lab::{
    directory::Directory,
    kamailio::{self, Kamailio},
    phones::Phones,
    subscribers::{Subscriber, account_id, generate},
};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    fault::Kind,
    judge::{Bindings, compare, until_equal},
    options::Options,
    proxy::lock,
    random::stream,
    report::{self, Verdict, say},
    schedule::schedule,
    strike::{Scene, strike_all},
};

/// What can break here: the proxy itself stays.
const KINDS: [Kind; 5] = [
    Kind::BrokerKill,
    Kind::TcpReset,
    Kind::QueueDeleted,
    Kind::ConnectionsClosed,
    Kind::RollcallKill,
];
const REALMS: [&str; 4] = [
    "red.example.com",
    "green.example.com",
    "blue.example.com",
    "grey.example.com",
];
const STREAM: u64 = 4;
/// Short lifetimes, as long as the last of them is over in time for the end.
const SHORT: u32 = 20;
const LONG: u32 = 900;

/// What the phones did.
#[derive(Clone, Debug, Default)]
struct Told {
    registers: u64,
    unregisters: u64,
    /// Batches in which some phone had no 200, since there was no directory or no broker.
    refused: u64,
}

/// Plays a trial; Kamailio's log goes to the folder `logs`.
pub(crate) async fn play(
    options: &Options,
    seed: u64,
    scene: &mut Scene,
    logs: &Path,
) -> anyhow::Result<Verdict> {
    let per_realm = options.phones as usize / REALMS.len();
    let subscribers = generate(&REALMS, per_realm.max(1));
    let uri = scene.vhost.uri().to_owned();
    let mut keeping = JoinSet::new();
    let directory = Directory::start(&uri, &subscribers).await?;
    keeping.spawn(keep(directory, uri.clone(), subscribers.clone()));
    let proxy = kamailio::Options {
        min_expires: SHORT,
        ..kamailio::Options::default()
    };
    let kamailio = Kamailio::start(&uri, &proxy).await?;
    let verdict = strike(options, seed, scene, &kamailio, subscribers).await;
    keeping.shutdown().await;
    std::fs::write(logs.join("kamailio.log"), kamailio.log())?;
    verdict
}

async fn strike(
    options: &Options,
    seed: u64,
    scene: &mut Scene,
    kamailio: &Kamailio,
    users: Vec<Subscriber>,
) -> anyhow::Result<Verdict> {
    scene.subject.start().await?;
    let (length, told) = (options.length(), Arc::<Mutex<Told>>::default());
    let plan = schedule(seed, length, options.faults, &KINDS);
    let mut verdict = Verdict {
        seed,
        ..Verdict::default()
    };
    let mut traffic = JoinSet::new();
    let port = kamailio.sip_port();
    traffic.spawn(phones(port, users, seed, length, Arc::clone(&told)));
    strike_all(&plan, scene, Instant::now(), length, &mut verdict).await;
    if let Err(error) = scene.heal().await {
        verdict.failures.push(format!("at the end: {error:#}"));
    }
    while let Some(ended) = traffic.join_next().await {
        if let Err(error) = ended.context("the phones panicked")? {
            verdict.failures.push(format!("phones: {error:#}"));
        }
    }
    settle(scene, kamailio, &mut verdict).await?;
    let told = lock(&told).clone();
    say(&format!(
        "phones: {} registered or refreshed, {} unregistered, {} batches in which not every phone had its 200",
        told.registers, told.unregisters, told.refused
    ));
    Ok(verdict)
}

/// The stand-in for the directory does not connect again by itself.
async fn keep(mut directory: Directory, uri: String, subscribers: Vec<Subscriber>) {
    loop {
        directory.ended().await;
        directory = loop {
            match Directory::start(&uri, &subscribers).await {
                Ok(directory) => break directory,
                Err(_) => sleep(Duration::from_millis(300)).await,
            }
        };
    }
}

/// All register, then a part of them does something, one part after the other.
async fn phones(
    port: u16,
    users: Vec<Subscriber>,
    seed: u64,
    length: Duration,
    told: Arc<Mutex<Told>>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut random = stream(seed, STREAM);
    // Two networks: who goes from one to the other has another contact.
    let networks = [Phones::new()?.with_rate(100), Phones::new()?.with_rate(100)];
    let [home, _] = &networks;
    home.register(port, &users, LONG).await?;
    while begun.elapsed() < length {
        let mut some = users.clone();
        random.shuffle(&mut some);
        some.truncate(5 + random.usize(..=users.len() / 4));
        let Some(network) = random.choice(&networks) else {
            break;
        };
        let leave = random.u32(..4) == 0;
        let expires = if random.u32(..5) == 0 { SHORT } else { LONG };
        let done = if leave {
            network.unregister(port, &some).await
        } else {
            network.register(port, &some, expires).await
        };
        let mut told = lock(&told);
        let count = some.len() as u64;
        match (done, leave) {
            // What did not get through is in Kamailio's memory or is not: the truth is what it says.
            (Err(_), _) => told.refused += 1,
            (Ok(()), true) => told.unregisters += count,
            (Ok(()), false) => told.registers += count,
        }
    }
    Ok(())
}

/// Waits until the table equals what Kamailio holds, and tells of the differences if it does not.
async fn settle(scene: &Scene, kamailio: &Kamailio, verdict: &mut Verdict) -> anyhow::Result<()> {
    let (accounts, api) = (REALMS.map(account_id), &scene.subject.api);
    verdict.table = until_equal(async || {
        let held = kamailio.usrloc().await?;
        let truth: Bindings = held.into_iter().map(|b| (b.aor, b.contact)).collect();
        let table = api.table(&accounts).await?;
        Ok((truth.len(), compare(&truth, &table, &BTreeSet::new())))
    })
    .await;
    if verdict.table.after.is_some() {
        return Ok(());
    }
    let records = api.records(&accounts).await?;
    for difference in verdict.table.differences.iter().take(12) {
        say(&difference.to_string());
        report::records(&records, difference.aor());
    }
    let dump = kamailio.rpc("ul.dump", &serde_json::json!([])).await?;
    say(&format!("what Kamailio holds: {dump}"));
    Ok(())
}
