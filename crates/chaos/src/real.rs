//! A trial by faults with a real Kamailio, whose phones really REGISTER: in the end rollcall's table has
//! to equal `ul.dump`.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use lab::{
    broker::Broker,
    directory::Directory,
    kamailio::{self, Kamailio},
    phones::Phones,
    subscribers::{Subscriber, account_id, generate},
};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    dice::Dice,
    disk::Disk,
    fault::Kind,
    judge::{Bindings, compare},
    options::Options,
    proxy::{lock, now},
    relay::Relay,
    report::{self, Verdict, say},
    schedule::schedule,
    strike::Scene,
    subject::Subject,
    trial::strike_all,
    world::World,
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
const SETTLE: Duration = Duration::from_secs(90);
/// Not only by chance, between two rounds.
const STEADY: Duration = Duration::from_secs(12);

/// Real parts around rollcall.
struct Stage {
    kamailio: Kamailio,
    subscribers: Vec<Subscriber>,
    told: Arc<Mutex<Told>>,
}

/// What the phones did.
#[derive(Clone, Debug, Default)]
struct Told {
    registers: u64,
    unregisters: u64,
    /// Batches in which some phone had no 200, since there was no directory or no broker.
    refused: u64,
}

/// Runs a trial, and tells how it went.
pub async fn run(options: &Options) -> anyhow::Result<Verdict> {
    let seed = options.seed.unwrap_or_else(now);
    say(&format!(
        "seed {seed}: {} faults in {} s, {} phones of SIPp, real Kamailio",
        options.faults, options.seconds, options.phones
    ));
    let home = tempfile::tempdir()?;
    let logs = options
        .logs
        .clone()
        .unwrap_or_else(|| home.path().join("logs"));
    std::fs::create_dir_all(&logs)?;
    let program = options.program()?;
    let broker = Broker::start().await?;
    let relay = Relay::start(broker.amqp_port()).await?;
    let disk = Disk::new(home.path().join("snapshot"))?;
    let uri = relay.uri();
    let snapshot = disk.file().to_string_lossy().into_owned();
    let mut scene = Scene {
        vhost: broker.vhost("/"),
        broker,
        relay,
        disk,
        clock: None,
        subject: Subject::new(program, uri, snapshot, logs.clone())?,
        // The phones are real.
        world: Arc::new(World::new(0)),
        struck: Arc::default(),
    };
    let per_realm = options.phones as usize / REALMS.len();
    let subscribers = generate(&REALMS, per_realm.max(1));
    let mut keeping = JoinSet::new();
    let directory = Directory::start(scene.vhost.uri(), &subscribers).await?;
    keeping.spawn(keep(
        directory,
        scene.vhost.uri().to_owned(),
        subscribers.clone(),
    ));
    let proxy = kamailio::Options {
        min_expires: SHORT,
        ..kamailio::Options::default()
    };
    let stage = Stage {
        kamailio: Kamailio::start(scene.vhost.uri(), &proxy).await?,
        subscribers,
        told: Arc::default(),
    };
    let verdict = play(options, seed, &mut scene, &stage).await;
    keeping.shutdown().await;
    // Its log is put away as it goes.
    drop(scene);
    std::fs::write(logs.join("kamailio.log"), stage.kamailio.log())?;
    if !verdict.as_ref().is_ok_and(Verdict::is_good) && options.logs.is_none() {
        let kept = home.keep();
        say(&format!("logs: {}", kept.join("logs").display()));
    }
    let verdict = verdict?;
    let told = lock(&stage.told).clone();
    say(&format!(
        "phones: {} registered or refreshed, {} unregistered, {} batches in which not every phone had its 200",
        told.registers, told.unregisters, told.refused
    ));
    report::print(&verdict);
    Ok(verdict)
}

async fn play(
    options: &Options,
    seed: u64,
    scene: &mut Scene,
    stage: &Stage,
) -> anyhow::Result<Verdict> {
    scene.subject.start().await?;
    let plan = schedule(seed, options.length(), options.faults, &KINDS);
    let mut verdict = Verdict {
        seed,
        ..Verdict::default()
    };
    let mut traffic = JoinSet::new();
    let (port, users) = (stage.kamailio.sip_port(), stage.subscribers.clone());
    traffic.spawn(phones(
        port,
        users,
        seed,
        options.length(),
        Arc::clone(&stage.told),
    ));
    strike_all(&plan, scene, Instant::now(), options.length(), &mut verdict).await;
    if let Err(error) = scene.heal().await {
        verdict.failures.push(format!("at the end: {error:#}"));
    }
    while let Some(ended) = traffic.join_next().await {
        if let Err(error) = ended.context("the phones panicked")? {
            verdict.failures.push(format!("phones: {error:#}"));
        }
    }
    settle(scene, stage, &mut verdict).await?;
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
    let mut dice = Dice::new(seed, STREAM);
    // Two networks: who goes from one to the other has another contact.
    let networks = [Phones::new()?.with_rate(100), Phones::new()?.with_rate(100)];
    let [home, _] = &networks;
    home.register(port, &users, LONG).await?;
    while begun.elapsed() < length {
        let mut some = users.clone();
        dice.shuffle(&mut some);
        some.truncate(5 + dice.index(users.len() / 4));
        let Some(network) = dice.pick(&networks) else {
            break;
        };
        let leave = dice.one_in(4);
        let expires = if dice.one_in(5) { SHORT } else { LONG };
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

/// Waits until the table equals what Kamailio holds.
async fn settle(scene: &Scene, stage: &Stage, verdict: &mut Verdict) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut equal_since = None;
    let accounts = REALMS.map(account_id);
    while begun.elapsed() < SETTLE {
        let held = stage.kamailio.usrloc().await?;
        let truth: Bindings = held.into_iter().map(|b| (b.aor, b.contact)).collect();
        let table = scene.subject.api.table_of(&accounts).await;
        let differences =
            table.map(|table| compare(&truth, &table, &std::collections::BTreeSet::new()));
        match differences {
            Ok(differences) => {
                verdict.registered = truth.len();
                verdict.differences = differences;
                if verdict.differences.is_empty() {
                    let since = *equal_since.get_or_insert(begun.elapsed());
                    if begun.elapsed() > since + STEADY {
                        verdict.settled = Some(since);
                        return Ok(());
                    }
                } else {
                    equal_since = None;
                }
            }
            Err(_) => equal_since = None,
        }
        sleep(Duration::from_millis(250)).await;
    }
    let records = scene.subject.api.records_of(&accounts).await?;
    let dump = stage
        .kamailio
        .rpc("ul.dump", &serde_json::json!([]))
        .await?;
    for difference in verdict.differences.iter().take(12) {
        say(&difference.to_string());
        for (_, record) in records.iter().filter(|(aor, _)| aor == difference.aor()) {
            say(&format!("  the table has {record}"));
        }
    }
    say(&format!("what Kamailio holds: {dump}"));
    Ok(())
}
