//! Events through a real RabbitMQ: the whole program against a consumer that only acknowledges.
//!
//! Both consume the same backlog from queues of their own, one after the other. What is timed is
//! the time between two looks at the queue's length, so that neither's start counts; nor does the
//! first half, in which every phone is heard for the first time since the start.

use std::{fs, path::Path, time::Duration, time::Instant};

use anyhow::{Context as _, ensure};
use kapi::{REGISTRAR_EXCHANGE, SUCCESS_BINDING, success_key};
use lab::{amqp::Client, broker::Broker, rollcall::Rollcall};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Queue,
    options::{BasicPublishOptions, QueueBindOptions, QueueDeclareOptions, QueuePurgeOptions},
    types::{AMQPValue, FieldTable},
};

use registration::UnixSeconds;

use crate::{
    adapter::{NODE, now},
    fixture::{phones::realm, table::Table},
    plan::Plan,
    process::{Child, cpu_seconds},
    report::{Row, figure, median},
};

/// As rollcall has it by default.
const PREFETCH: &str = "2000";
const BARE_QUEUE: &str = "bare";
/// How often the queue's length is looked at.
const LOOKING: Duration = Duration::from_millis(5);
/// How long the queue may take to run empty or full.
const PATIENCE: Duration = Duration::from_mins(3);

/// How fast a consumer was.
struct Pace {
    /// Messages a second.
    rate: f64,
    /// Microseconds of processor time a message.
    cpu: f64,
}

pub(super) fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    tokio::runtime::Runtime::new()?.block_on(measure(plan))
}

async fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let broker = Broker::start().await?;
    let vhost = broker.vhost("/");
    // Declares the exchanges.
    let _client = Client::connect(vhost.uri()).await?;
    let connection = Connection::connect(vhost.uri(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let queue = format!("rollcall-registrar-{NODE}");
    for queue in [queue.as_str(), BARE_QUEUE] {
        declare(&channel, queue).await?;
    }
    let folder = tempfile::tempdir()?;
    let snapshot = folder.path().join("snapshot");
    let table = Table::new(plan.backlog, 20)?;
    table.node.save(&snapshot);

    let row = |what: &str| {
        let name = format!("broker/{} refreshes/{what}", plan.backlog);
        Row::new(&name, "× bare consumer")
    };
    let (mut rate, mut cpu) = (
        row("rate").at_least(0.95),
        row("processor time a message").at_most(1.5),
    );
    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        fill(&channel, &table, &queue).await?;
        let our = program(plan, vhost.uri(), &channel, &queue, &snapshot).await?;
        let bare = bare(plan, vhost.uri(), &channel).await?;
        rate.push(our.rate / bare.rate);
        cpu.push(our.cpu / bare.cpu);
        ours.push(our);
        bares.push(bare);
    }
    let middle = |paces: &[Pace], of: fn(&Pace) -> f64| {
        figure(median(&paces.iter().map(of).collect::<Vec<_>>()))
    };
    let both = |of| format!("{} and {}", middle(&ours, of), middle(&bares, of));
    rate.note = format!("{} messages a second", both(|pace| pace.rate));
    cpu.note = format!("{} µs", both(|pace| pace.cpu));
    Ok(vec![rate, cpu])
}

/// With the arguments that rollcall's queue has by default.
async fn declare(channel: &Channel, queue: &str) -> anyhow::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongLongInt(300_000));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(1_000_000));
    let overflow = AMQPValue::LongString("drop-head".into());
    arguments.insert("x-overflow".into(), overflow);
    let options = QueueDeclareOptions::default();
    channel
        .queue_declare(queue.into(), options, arguments)
        .await?;
    channel
        .queue_bind(
            queue.into(),
            REGISTRAR_EXCHANGE.into(),
            SUCCESS_BINDING.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    Ok(())
}

async fn look(channel: &Channel, queue: &str) -> anyhow::Result<Queue> {
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let found = channel.queue_declare(queue.into(), options, FieldTable::default());
    Ok(found.await?)
}

/// How many messages wait in a queue.
async fn waiting(channel: &Channel, queue: &str) -> anyhow::Result<u32> {
    Ok(look(channel, queue).await?.message_count())
}

/// Takes out what the last consumer had not acknowledged yet when it was ended.
async fn clear(channel: &Channel, queue: &str) -> anyhow::Result<()> {
    lab::wait::until("the last consumer to be gone", PATIENCE, async || {
        let consumers = look(channel, queue).await?.consumer_count();
        ensure!(consumers == 0, "{queue} has {consumers}");
        Ok(())
    })
    .await?;
    channel
        .queue_purge(queue.into(), QueuePurgeOptions::default())
        .await?;
    Ok(())
}

/// Has every phone refresh twice: the events wait in both queues.
async fn fill(channel: &Channel, table: &Table, queue: &str) -> anyhow::Result<()> {
    for queue in [queue, BARE_QUEUE] {
        clear(channel, queue).await?;
    }
    let last = now().0;
    let mut event = Vec::new();
    let all = || table.order.iter();
    let first = all().map(|number| (number, last - 1));
    for (number, second) in first.chain(all().map(|number| (number, last))) {
        let (phone, second) = (table.fleet.phone(*number), UnixSeconds(second));
        table.maker.write(phone, second, &mut event);
        let key = success_key(&realm(phone.account), &phone.username());
        let properties = BasicProperties::default().with_content_type("application/json".into());
        channel
            .basic_publish(
                REGISTRAR_EXCHANGE.into(),
                key.into(),
                BasicPublishOptions::default(),
                &event,
                properties,
            )
            .await?;
    }
    for queue in [queue, BARE_QUEUE] {
        let wanted = 2 * table.fleet.len();
        lab::wait::until("the queue to fill", PATIENCE, async || {
            let waiting = waiting(channel, queue).await?;
            ensure!(waiting == wanted, "{waiting} of {wanted} in {queue}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn program(
    plan: &Plan,
    uri: &str,
    channel: &Channel,
    queue: &str,
    snapshot: &Path,
) -> anyhow::Result<Pace> {
    let copy = snapshot.with_extension("copy");
    fs::copy(snapshot, &copy)?;
    let copy = copy.display().to_string();
    let settings = [
        ("AMQP__NODE", NODE),
        ("SNAPSHOT__FILE", copy.as_str()),
        // There is nobody who could answer.
        ("RECOVERY__SYNC", "false"),
        ("RECOVERY__PEERS", "false"),
        ("RECONCILE__INTERVAL", "0"),
    ];
    let mut rollcall = Rollcall::start(&plan.rollcall, uri, &settings).await?;
    let id = rollcall.process().id();
    let pace = emptied(channel, queue, id, plan.backlog).await?;
    let (_, count) = rollcall.call("GET", "/v2/registrations/count").await?;
    let count = count.pointer("/data/count").cloned().unwrap_or_default();
    ensure!(count == plan.backlog, "{count} registrations in the end");
    Ok(pace)
}

async fn bare(plan: &Plan, uri: &str, channel: &Channel) -> anyhow::Result<Pace> {
    let child = Child::start(&["consume", uri, BARE_QUEUE, PREFETCH])?;
    emptied(channel, BARE_QUEUE, child.id(), plan.backlog).await
}

/// Looks on while a process empties a queue of its last `last`.
async fn emptied(channel: &Channel, queue: &str, process: u32, last: u32) -> anyhow::Result<Pace> {
    let mut messages = waiting(channel, queue).await?;
    while messages > last {
        tokio::time::sleep(LOOKING).await;
        messages = waiting(channel, queue).await?;
    }
    let begun = Instant::now();
    let cpu = cpu_seconds(process)?;
    ensure!(
        messages > 1000,
        "only {messages} were left when it was first looked at: take more"
    );
    loop {
        tokio::time::sleep(LOOKING).await;
        if waiting(channel, queue).await? == 0 {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "{queue} does not run empty");
    }
    let took = begun.elapsed().as_secs_f64();
    let cpu = cpu_seconds(process).context("it has ended")? - cpu;
    Ok(Pace {
        rate: f64::from(messages) / took,
        cpu: cpu * 1e6 / f64::from(messages),
    })
}
