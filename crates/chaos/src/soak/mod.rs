//! A soak: many phones, steady churn, for long. Memory stays flat, rollcall keeps up, and whoever
//! stops refreshing is gone when the time is up, neither before nor much later.

pub mod options;
pub mod verdict;

mod churn;
mod visitors;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use lab::{broker::Broker, rollcall::Rollcall};
use tokio::task::JoinSet;

pub use self::visitors::Seen;
use self::{
    churn::Churn,
    options::Options,
    verdict::Verdict,
    visitors::{DEVIATION, Visitors, depths},
};
use crate::{
    feeder::Feeder,
    judge::settled,
    memory::{Progress, Samples},
    program::{self, ended},
    proxy::{lock, now},
    report::say,
};

/// Runs a soak, and tells how it went.
pub async fn run(options: &Options) -> anyhow::Result<Verdict> {
    let seed = options.seed.unwrap_or_else(now);
    say(&format!(
        "seed {seed}: {} s, {} events a second, {} phones, {} s to warm up",
        options.seconds, options.rate, options.aors, options.warm_up
    ));
    let home = tempfile::tempdir()?;
    let broker = Broker::start().await?;
    let uri = broker.vhost("/").uri().to_owned();
    let snapshot = home.path().join("snapshot");
    let snapshot = snapshot.to_string_lossy();
    let deviation = DEVIATION.to_string();
    let settings = [
        ("CACHE__EXPIRES_DEVIATION", deviation.as_str()),
        ("SNAPSHOT__FILE", &snapshot),
        ("SNAPSHOT__INTERVAL", "60"),
        ("RECOVERY__TIMEOUT", "5"),
    ];
    let program = program::find(options.rollcall.as_deref())?;
    let mut rollcall = Rollcall::start(&program, &uri, &settings).await?;
    let pid = rollcall.process().id();
    let feeder = Feeder::connect(&uri, &program::queue(&rollcall), 4).await?;
    let feeder = Arc::new(feeder);
    let mut churn = Churn::new(seed, options.aors, Arc::clone(&feeder));
    churn.fill().await?;
    say(&format!("filled: {} registered", churn.registered()));

    let visitors = Visitors::new(Arc::clone(&feeder), rollcall.port());
    let mut watching = JoinSet::new();
    watching.spawn(Arc::clone(&visitors).follow());
    let mut coming = JoinSet::new();
    coming.spawn(Arc::clone(&visitors).come(seed, options.visitors));
    let warming = Duration::from_secs(options.warm_up);
    churn
        .run(options.rate, warming, &Progress::of(u64::MAX))
        .await?;
    visitors.forget();

    let length = Duration::from_secs(options.seconds);
    let progress = Progress::of(options.seconds * 1000);
    let (samples, depth) = (Samples::default(), Arc::<Mutex<Vec<u32>>>::default());
    watching.spawn(samples.clone().watch(pid, Arc::clone(&progress)));
    let mut looking = JoinSet::new();
    looking.spawn(depths(Arc::clone(&feeder), Arc::clone(&depth)));
    let before = churn.sent;
    let churned = churn.run(options.rate, length, &progress).await;
    let flatness = samples.flatness();
    looking.shutdown().await;
    coming.shutdown().await;
    churned.and(rollcall.process().check_alive())?;
    feeder.below(0).await?;
    let lost = visitors.gone().await.err();
    let mut watched = visitors.seen();
    watched
        .violations
        .extend(lost.map(|error| format!("{error:#}")));
    watching.shutdown().await;
    let differences = settled(async || churn.compare(&rollcall).await).await?;
    let end = ended(&mut rollcall)?;
    let verdict = Verdict {
        seed,
        asked: (options.seconds, options.rate),
        events: churn.sent - before,
        registered: churn.registered(),
        differences,
        depths: lock(&depth).clone(),
        seen: watched,
        memory: flatness,
        course: samples.course(),
        end,
    };
    verdict::print(&verdict);
    Ok(verdict)
}
