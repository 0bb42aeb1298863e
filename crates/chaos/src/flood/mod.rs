//! A flood: garbage by AMQP and HTTP, good events in between, and in the end the good ones all hold,
//! nothing has panicked and memory is what it was.

pub mod bodies;
pub mod http1;
pub mod options;
pub mod requests;
pub mod verdict;

mod garbage;
mod good;
mod hostile;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use lab::{broker::Broker, rollcall::Rollcall};
use tokio::{task::JoinSet, time::Instant};

use self::{
    bodies::Bodies,
    garbage::Targets,
    good::Good,
    hostile::Hostile,
    options::Options,
    verdict::{Counts, Verdict},
};
use crate::{
    feeder::Feeder,
    judge::settled,
    memory::{Progress, Samples},
    program::{self, ended},
    proxy::{lock, now},
    report::say,
};

/// What is in flight to and from the floodgates.
struct Flood {
    options: Options,
    bodies: Bodies,
    feeder: Feeder,
    targets: Targets,
    counts: Counts,
    port: u16,
}

/// Runs a flood, and tells how it went.
pub async fn run(options: &Options) -> anyhow::Result<Verdict> {
    let seed = options.seed.unwrap_or_else(now);
    say(&format!(
        "seed {seed}: {} bodies, {} requests, {} good phones, {} s to warm up",
        options.bodies, options.requests, options.phones, options.warm_up
    ));
    let bodies = Bodies::read(&options.fixtures)?;
    let broker = Broker::start().await?;
    let vhost = broker.vhost("/");
    let mut rollcall = start(options, vhost.uri()).await?;
    let queue = program::queue(&rollcall);
    let flood = Arc::new(Flood {
        bodies,
        feeder: Feeder::connect(vhost.uri(), &queue, 2).await?,
        targets: Targets::find(&vhost).await?,
        counts: Counts::default(),
        port: rollcall.port(),
        options: options.clone(),
    });
    let pid = rollcall.process().id();
    let mut good = Good::new(seed, options.phones);
    good.fill(&flood.feeder).await?;
    let mut dice = seed;
    if options.warm_up > 0 {
        let until = Instant::now() + Duration::from_secs(options.warm_up);
        let progress = Progresses::of(u64::MAX, u64::MAX);
        flow(&flood, &mut good, &progress, dice, Some(until)).await?;
        say(&format!(
            "warm: {} bodies, {} requests",
            progress.bodies.done(),
            progress.requests.done()
        ));
        dice = dice.wrapping_add(1);
    }
    let progress = Progresses::of(options.bodies, options.requests);
    let samples = Samples::default();
    let begun = Instant::now();
    let mut watching = JoinSet::new();
    watching.spawn(samples.clone().watch(pid, Arc::clone(&progress.bodies)));
    let flown = flow(&flood, &mut good, &progress, dice, None).await;
    watching.shutdown().await;
    let took = begun.elapsed();
    let alive = rollcall.process().check_alive();
    flown.and(alive.context("during the flood"))?;
    flood.feeder.below(0).await?;
    // That the queue is empty does not tell that what rollcall has in hand is done.
    let wrong = settled(async || good.compare(&rollcall).await).await?;
    let ready = rollcall.ready().await;
    let end = ended(&mut rollcall)?;
    let verdict = Verdict {
        seed,
        took,
        bodies: progress.bodies.done(),
        requests: progress.requests.done(),
        good: (good.sent(), wrong),
        memory: samples.flatness(),
        course: samples.course(),
        judges_memory: options.warm_up > 0,
        unready: ready.err().map(|error| format!("{error:#}")),
        end,
        counts: flood.counts.taken(),
    };
    verdict::print(&verdict);
    Ok(verdict)
}

async fn start(options: &Options, uri: &str) -> anyhow::Result<Rollcall> {
    let program = program::find(options.rollcall.as_deref())?;
    // Room for the good ones, and for some of the others; beyond it newcomers are refused.
    let room = (options.phones + options.phones / 4).max(1000).to_string();
    let settings = [
        ("CACHE__MAX_REGISTRATIONS", room.as_str()),
        // Every guess at a token is to be looked at.
        ("AUTH__MAX_FAILURES", "1000000"),
        ("CACHE__EXPIRES_DEVIATION", "20"),
        // Nobody answers here, and nobody is asked.
        ("RECONCILE__INTERVAL", "0"),
        ("RECOVERY__TIMEOUT", "5"),
    ];
    let rollcall = Rollcall::start(&program, uri, &settings).await?;
    // From then on no 503 is to be had.
    rollcall.ready().await?;
    Ok(rollcall)
}

/// How far both have come.
struct Progresses {
    bodies: Arc<Progress>,
    requests: Arc<Progress>,
}

impl Progresses {
    fn of(bodies: u64, requests: u64) -> Arc<Self> {
        Arc::new(Self {
            bodies: Progress::of(bodies),
            requests: Progress::of(requests),
        })
    }
}

/// Both floods side by side, until each has given all it has to, or the time is up.
async fn flow(
    flood: &Arc<Flood>,
    good: &mut Good,
    progress: &Arc<Progresses>,
    seed: u64,
    until: Option<Instant>,
) -> anyhow::Result<()> {
    let mut clients = JoinSet::new();
    for number in 0..flood.options.clients {
        let hostile = Hostile {
            flood: Arc::clone(flood),
            progress: Arc::clone(progress),
            until,
        };
        clients.spawn(hostile.run(seed, number));
    }
    let poured = garbage::pour(flood, good, progress, seed, until).await;
    while let Some(ended) = clients.join_next().await {
        ended.context("a client panicked")?;
    }
    poured
}

impl Flood {
    fn violation(&self, line: String) {
        let mut violations = lock(&self.counts.violations);
        // The first tell enough.
        if violations.len() < 50 {
            violations.push(line);
        }
    }
}
