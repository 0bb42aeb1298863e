//! Publishes more than a phone ever could, no faster than rollcall takes it.

use std::time::Duration;

use anyhow::Context as _;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::time::sleep;

const LOOK: Duration = Duration::from_millis(5);

/// Channels to publish over, and one to look at rollcall's queue.
pub struct Feeder {
    _connection: Connection,
    lines: Vec<Channel>,
    look: Channel,
    queue: String,
}

impl Feeder {
    /// Connects; `queue` is rollcall's.
    pub async fn connect(uri: &str, queue: &str, lines: usize) -> anyhow::Result<Self> {
        let connection = Connection::connect(uri, ConnectionProperties::default()).await?;
        let look = connection.create_channel().await?;
        let mut channels = Vec::new();
        for _ in 0..lines {
            channels.push(connection.create_channel().await?);
        }
        Ok(Self {
            _connection: connection,
            lines: channels,
            look,
            queue: queue.to_owned(),
        })
    }

    /// Publishes over one of the lines: what goes by one stays in order.
    pub async fn publish(
        &self,
        line: usize,
        exchange: &str,
        key: &str,
        body: &[u8],
    ) -> anyhow::Result<()> {
        let channel = self.lines.get(line % self.lines.len().max(1));
        let properties = BasicProperties::default().with_content_type("application/json".into());
        channel
            .context("no lines")?
            .basic_publish(
                exchange.into(),
                key.into(),
                BasicPublishOptions::default(),
                body,
                properties,
            )
            .await?;
        Ok(())
    }

    /// How many messages wait in rollcall's queue, beyond those that it has in hand.
    pub async fn depth(&self) -> anyhow::Result<u32> {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let queue =
            self.look
                .queue_declare(self.queue.as_str().into(), options, FieldTable::default());
        Ok(queue.await?.message_count())
    }

    /// Waits until no more than `limit` wait.
    pub async fn below(&self, limit: u32) -> anyhow::Result<()> {
        while self.depth().await? > limit {
            sleep(LOOK).await;
        }
        Ok(())
    }
}
