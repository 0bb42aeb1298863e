//! A proxy's connection to the broker, made anew for as long as it takes.

use std::{sync::Arc, time::Duration, time::Instant};

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
};

use crate::proxy::{Lines, Outgoing, Proxy, lock};

/// Channels that it publishes over, so that the order is not kept.
const CHANNELS: usize = 3;
const RETRY: Duration = Duration::from_millis(300);
const CONNECT: Duration = Duration::from_secs(5);

/// Keeps the proxy connected, for as long as the task lives.
pub async fn keep(proxy: Arc<Proxy>, uri: String) {
    loop {
        // What goes wrong is what this is all about.
        let _ = session(&proxy, &uri).await;
        *lock(&proxy.lines) = Lines::default();
        tokio::time::sleep(RETRY).await;
    }
}

async fn session(proxy: &Arc<Proxy>, uri: &str) -> anyhow::Result<()> {
    let connecting = Connection::connect(uri, ConnectionProperties::default());
    let connection = tokio::time::timeout(CONNECT, connecting).await??;
    declare(&connection).await;
    let channel = connection.create_channel().await?;
    let mut tasks = JoinSet::new();
    for (queue, _) in queues(proxy) {
        let consumer = consume(&channel, &queue).await?;
        let proxy = Arc::clone(proxy);
        tasks.spawn(async move { obey(proxy, consumer).await });
    }
    let mut senders = Vec::new();
    for _ in 0..CHANNELS {
        let (sender, receiver) = unbounded_channel();
        senders.push(sender);
        let channel = connection.create_channel().await?;
        tasks.spawn(async move { publish(channel, receiver).await });
    }
    bind(proxy, &channel).await?;
    *lock(&proxy.lines) = Lines {
        channels: senders,
        bound_since: Some(Instant::now()),
    };
    loop {
        tokio::select! {
            ended = tasks.join_next() => {
                ended.context("no tasks")???;
                bail!("a task ended");
            }
            () = proxy.rebind.notified() => {
                bind(proxy, &channel).await?;
                lock(&proxy.lines).bound_since = Some(Instant::now());
            }
        }
    }
}

/// Declares the exchanges; if they are there with other flags, that is none of a proxy's business.
async fn declare(connection: &Connection) {
    let exchanges = [
        ("registrar", ExchangeKind::Topic),
        ("targeted", ExchangeKind::Direct),
    ];
    for (name, kind) in exchanges {
        let Ok(channel) = connection.create_channel().await else {
            return;
        };
        let options = ExchangeDeclareOptions::default();
        let _ = channel
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await;
    }
}

/// Its queues, and what each is bound to.
fn queues(proxy: &Proxy) -> [(String, &'static str); 3] {
    let host = proxy.speaker.node.trim_start_matches("kamailio@");
    [
        (format!("registrar-flush-{host}"), "registration.flush.*"),
        (format!("registrar-sync-{host}"), "registration.sync"),
        (format!("registrar-api-{host}"), "registration.search_req.*"),
    ]
}

async fn consume(channel: &Channel, queue: &str) -> lapin::Result<Consumer> {
    let options = QueueDeclareOptions {
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(queue.into(), options, FieldTable::default())
        .await?;
    let options = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    channel
        .basic_consume(queue.into(), "".into(), options, FieldTable::default())
        .await
}

async fn bind(proxy: &Proxy, channel: &Channel) -> lapin::Result<()> {
    for (queue, key) in queues(proxy) {
        let options = QueueBindOptions::default();
        channel
            .queue_bind(
                queue.as_str().into(),
                "registrar".into(),
                key.into(),
                options,
                FieldTable::default(),
            )
            .await?;
    }
    Ok(())
}

async fn obey(proxy: Arc<Proxy>, mut consumer: Consumer) -> anyhow::Result<()> {
    while let Some(delivery) = consumer.next().await {
        proxy.obey(&delivery?.data);
    }
    bail!("the consumer ended")
}

async fn publish(
    channel: Channel,
    mut messages: UnboundedReceiver<Outgoing>,
) -> anyhow::Result<()> {
    while let Some((exchange, key, body)) = messages.recv().await {
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let options = BasicPublishOptions::default();
        channel
            .basic_publish(
                exchange.into(),
                key.as_str().into(),
                options,
                &body,
                properties,
            )
            .await?;
    }
    bail!("nobody sends any more")
}
