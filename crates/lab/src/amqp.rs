//! A plain AMQP client for tests: publishes, and listens in.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};

/// A message that was overheard.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its routing key.
    pub routing_key: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Message {
    /// Its body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the body is not JSON")
    }
}

/// A connection that publishes and declares.
pub struct Client {
    _connection: Connection,
    channel: Channel,
}

impl Client {
    /// Connects, and declares Kazoo's exchanges with Kazoo's flags.
    pub async fn connect(uri: &str) -> anyhow::Result<Self> {
        let connection = Connection::connect(uri, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let kinds = [
            ("registrar", ExchangeKind::Topic),
            ("callmgr", ExchangeKind::Topic),
            ("targeted", ExchangeKind::Direct),
        ];
        for (exchange, kind) in kinds {
            let options = ExchangeDeclareOptions::default();
            channel
                .exchange_declare(exchange.into(), kind, options, FieldTable::default())
                .await?;
        }
        Ok(Self {
            _connection: connection,
            channel,
        })
    }

    /// Publishes and waits until the broker has it.
    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        body: &[u8],
    ) -> anyhow::Result<()> {
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let options = BasicPublishOptions::default();
        let confirm = self
            .channel
            .basic_publish(
                exchange.into(),
                routing_key.into(),
                options,
                body,
                properties,
            )
            .await?;
        ensure!(confirm.await?.is_ack(), "the broker refused the message");
        Ok(())
    }

    /// Listens to what goes through an exchange under a routing key, from now on.
    pub async fn tap(&self, exchange: &str, binding: &str) -> anyhow::Result<Tap> {
        Ok(Tap(self.consume(&[(exchange, binding)]).await?))
    }

    /// Consumes what goes through exchanges under routing keys, from now on.
    pub(crate) async fn consume(&self, bindings: &[(&str, &str)]) -> anyhow::Result<Consumer> {
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        let queue = self
            .channel
            .queue_declare("".into(), options, FieldTable::default())
            .await?
            .name()
            .clone();
        for (exchange, binding) in bindings {
            self.channel
                .queue_bind(
                    queue.clone(),
                    (*exchange).into(),
                    (*binding).into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
        let options = BasicConsumeOptions {
            no_ack: true,
            ..BasicConsumeOptions::default()
        };
        let consuming =
            self.channel
                .basic_consume(queue, "".into(), options, FieldTable::default());
        Ok(consuming.await?)
    }
}

/// What goes through an exchange.
pub struct Tap(Consumer);

impl Tap {
    /// The next message.
    pub async fn next(&mut self, patience: Duration) -> anyhow::Result<Message> {
        let next = tokio::time::timeout(patience, self.0.next())
            .await
            .context("no message came")?;
        let delivery = next.context("the broker ended the tap")??;
        Ok(Message {
            routing_key: delivery.routing_key.to_string(),
            body: delivery.data,
        })
    }

    /// Messages that are there already, or come within `quiet` of each other.
    pub async fn drain(&mut self, quiet: Duration) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Ok(message) = self.next(quiet).await {
            messages.push(message);
        }
        messages
    }
}
