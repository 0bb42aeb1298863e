//! A trial from its start to its verdict.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use lab::broker::Broker;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    clock::FakeClock,
    decision::{Act, Decision, Decisions},
    disk::Disk,
    fault::Kind,
    fleet::account_id,
    flushes::{Flusher, Tally},
    judge::{Difference, SETTLE, compare, until_equal},
    options::Options,
    proxy::{lock, now},
    real,
    relay::Relay,
    report::{self, Verdict, say},
    schedule::{Planned, schedule},
    session,
    strike::{Scene, strike_all},
    subject::Subject,
    watch::{Answers, watch},
    world::{ACCOUNTS, PROXIES, World},
};

/// Short lifetimes end this long before the end, for all of them to be over by then.
const CALM: Duration = Duration::from_mins(1);
/// Registrations that ended by themselves so many seconds before the end are not judged: rollcall
/// pads their time by 20 s, and asks the proxies every 10 s.
const RECENTLY: u64 = 45;

/// Runs a trial, and tells how it went.
pub async fn run(options: &Options) -> anyhow::Result<Verdict> {
    let seed = options.seed.unwrap_or_else(now);
    say(&format!(
        "seed {seed}: {} faults in {} s, {} phones{}",
        options.faults,
        options.seconds,
        options.phones,
        if options.kamailio {
            " of SIPp, real Kamailio"
        } else {
            ""
        },
    ));
    let home = tempfile::tempdir()?;
    let logs = options
        .logs
        .clone()
        .unwrap_or_else(|| home.path().join("logs"));
    std::fs::create_dir_all(&logs)?;
    let mut scene = set_up(options, &home, logs.clone()).await?;
    let verdict = if options.kamailio {
        real::play(options, seed, &mut scene, &logs).await
    } else {
        let kinds = kinds(options, &scene)?;
        let plan = schedule(seed, options.length(), options.faults, &kinds);
        play(options, seed, &plan, &mut scene).await
    };
    // Its log is put away as it goes.
    drop(scene);
    let is_good = verdict.as_ref().is_ok_and(Verdict::is_good);
    if !is_good && options.logs.is_none() {
        let kept = home.keep();
        say(&format!("logs: {}", kept.join("logs").display()));
    }
    let verdict = verdict?;
    report::print(&verdict);
    Ok(verdict)
}

fn kinds(options: &Options, scene: &Scene) -> anyhow::Result<Vec<Kind>> {
    let kinds = scene.kinds();
    if !kinds.contains(&Kind::ClockStep) {
        say("ClockStep is left out: libfaketime (package faketime) is not installed");
    }
    if !scene.disk.is_mounted() {
        say("no tmpfs can be mounted: SnapshotDiskFull moves the snapshot's folder away instead");
    }
    if options.only.is_empty() {
        return Ok(kinds);
    }
    let named = options.only.iter().map(|name| {
        let kind = kinds.iter().find(|kind| kind.to_string() == *name);
        kind.copied()
            .with_context(|| format!("no kind {name:?}; there are {kinds:?}"))
    });
    named.collect()
}

async fn set_up(
    options: &Options,
    home: &tempfile::TempDir,
    logs: PathBuf,
) -> anyhow::Result<Scene> {
    let program = options.program()?;
    let broker = Broker::start().await?;
    let relay = Relay::start(broker.amqp_port()).await?;
    let disk = Disk::new(home.path().join("snapshot"))?;
    let clock = if options.kamailio {
        None
    } else {
        FakeClock::around(&program, home.path())?
    };
    let program = clock
        .as_ref()
        .map_or(program, |clock| clock.program().to_owned());
    let uri = relay.uri();
    let snapshot = disk.file().to_string_lossy().into_owned();
    Ok(Scene {
        vhost: broker.vhost("/"),
        broker,
        relay,
        disk,
        clock,
        subject: Subject::new(program, uri, snapshot, logs)?,
        // Of real phones the proxy knows.
        world: Arc::new(World::new(if options.kamailio {
            0
        } else {
            options.phones
        })),
        struck: Arc::default(),
    })
}

async fn play(
    options: &Options,
    seed: u64,
    plan: &[Planned],
    scene: &mut Scene,
) -> anyhow::Result<Verdict> {
    let world = Arc::clone(&scene.world);
    let mut proxies = JoinSet::new();
    for proxy in &world.proxies {
        proxies.spawn(session::keep(
            Arc::clone(proxy),
            scene.vhost.uri().to_owned(),
        ));
    }
    while world
        .proxies
        .iter()
        .any(|proxy| proxy.bound_since().is_none())
    {
        sleep(Duration::from_millis(20)).await;
    }
    scene.subject.start().await?;
    let (tally, answers) = (
        Arc::<Mutex<Tally>>::default(),
        Arc::<Mutex<Answers>>::default(),
    );
    let mut traffic = JoinSet::new();
    traffic.spawn(phones(Arc::clone(&world), options.clone(), seed));
    let flusher = Flusher {
        api: scene.subject.api.clone(),
        world: Arc::clone(&world),
        struck: Arc::clone(&scene.struck),
        tally: Arc::clone(&tally),
    };
    traffic.spawn(flusher.run(seed));
    let mut polling = JoinSet::new();
    let api = scene.subject.api.clone();
    polling.spawn(watch(api, Arc::clone(&world.history), Arc::clone(&answers)));

    let mut verdict = Verdict {
        seed,
        ..Verdict::default()
    };
    let begun = Instant::now();
    strike_all(plan, scene, begun, options.length(), &mut verdict).await;
    if let Err(error) = scene.heal().await {
        verdict.failures.push(format!("at the end: {error:#}"));
    }
    traffic.shutdown().await;
    settle(scene, &mut verdict).await;
    polling.shutdown().await;
    verdict.flushes = lock(&tally).clone();
    verdict.answers = lock(&answers).clone();
    for proxy in &world.proxies {
        verdict.events.0 += proxy.sent.load(Ordering::Relaxed);
        verdict.events.1 += proxy.lost.load(Ordering::Relaxed);
    }
    Ok(verdict)
}

/// Phones: all register at first, then each does what it decides.
async fn phones(world: Arc<World>, options: Options, seed: u64) {
    let begun = Instant::now();
    let first = Decision {
        phone: 0,
        act: Act::Refresh,
        step: 1,
        expires: 1200,
        short: 20,
    };
    for phone in 0..options.phones {
        world.carry_out(&Decision { phone, ..first }, true);
        if phone % 40 == 0 {
            sleep(Duration::from_millis(100)).await;
        }
    }
    let mut ticks = interval(Duration::from_secs(1) / options.rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let calm_from = options
        .length()
        .saturating_sub(CALM.min(options.length() / 2));
    for decision in Decisions::new(seed, options.phones, PROXIES) {
        ticks.tick().await;
        world.carry_out(&decision, begun.elapsed() > calm_from);
    }
}

/// Waits until the table equals the truth, and tells of the differences if it does not.
async fn settle(scene: &Scene, verdict: &mut Verdict) {
    let (world, api) = (&scene.world, &scene.subject.api);
    let accounts: Vec<_> = (0..ACCOUNTS).map(account_id).collect();
    let stopped = now() / 1000;
    let spared = world.running_out(
        stopped.saturating_sub(RECENTLY),
        stopped + SETTLE.as_secs() + 10,
    );
    verdict.spared = spared.len();
    verdict.table = until_equal(async || {
        let table = api.table(&accounts).await?;
        let truth = world.truth();
        Ok((truth.len(), compare(&truth, &table, &spared)))
    })
    .await;
    if verdict.table.after.is_none() {
        let records = api.records(&accounts).await.unwrap_or_default();
        for difference in verdict.table.differences.iter().take(12) {
            explain(world, difference, &records);
        }
    }
}

fn explain(world: &World, difference: &Difference, records: &[serde_json::Value]) {
    say(&format!("\n{difference}"));
    let aor = difference.aor();
    for line in world.history.of(aor) {
        say(&format!("  {line}"));
    }
    for proxy in &world.proxies {
        if let Some(row) = proxy.held().get(aor) {
            say(&format!("  {} holds {row:?}", proxy.node()));
        }
    }
    report::records(records, aor);
}
