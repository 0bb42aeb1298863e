//! What was applied is acknowledged, and nothing else is.

use lab::{amqp::Client, broker};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::FieldTable,
};

use crate::node::{Node, QUEUE, register, settings};

/// The queue seen from outside. (The management API counts with a delay.)
struct Outside(
    #[expect(dead_code, reason = "keeps the channel open")] Connection,
    Channel,
);

impl Outside {
    async fn connect(uri: &str) -> anyhow::Result<Self> {
        let connection = Connection::connect(uri, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        Ok(Self(connection, channel))
    }

    async fn waiting(&self) -> anyhow::Result<u32> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let queue = self
            .1
            .queue_declare(QUEUE.into(), passive, FieldTable::default());
        Ok(queue.await?.message_count())
    }
}

#[tokio::test]
async fn nothing_that_was_applied_comes_again() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    // No multiple of any batch.
    for n in 0..333 {
        register(&client, &format!("phone{n}"), "192.0.2.1:5060").await?;
    }
    node.counts("stored", "registered", 333).await?;
    node.stop().await?;
    let outside = Outside::connect(vhost.uri()).await?;
    assert_eq!(outside.waiting().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_stop_in_the_middle_loses_nothing_and_doubles_nothing() -> anyhow::Result<()> {
    const ALL: u64 = 5_000;
    let vhost = broker::vhost().await?;
    Node::up(vhost.uri()).await?.stop().await?;
    let client = Client::connect(vhost.uri()).await?;
    for n in 0..ALL {
        register(&client, &format!("phone{n}"), "192.0.2.1:5060").await?;
    }
    let node = Node::start(settings(), &[vhost.uri()])?;
    while node.registrar.metrics().of("stored", "registered") < 200 {
        tokio::task::yield_now().await;
    }
    let registrar = node.stop().await?;
    let applied = registrar.metrics().of("stored", "registered");
    let outside = Outside::connect(vhost.uri()).await?;
    assert_eq!(u64::from(outside.waiting().await?) + applied, ALL);
    assert!(applied < ALL, "it was too fast for this test");

    // The next one begins where this one ended.
    let next = outside
        .1
        .basic_get(QUEUE.into(), BasicGetOptions { no_ack: true })
        .await?;
    let body: serde_json::Value = serde_json::from_slice(&next.unwrap().delivery.data)?;
    assert_eq!(body["Username"], format!("phone{applied}"));
    Ok(())
}

#[tokio::test]
async fn a_stop_while_nobody_answers_ends_too() -> anyhow::Result<()> {
    let nobody = format!("amqp://127.0.0.1:{}", lab::ports::free_tcp()?);
    let node = Node::start(settings(), &[&nobody])?;
    node.down("connecting").await?;
    node.stop().await?;
    Ok(())
}
