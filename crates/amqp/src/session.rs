//! One connection with all that is declared on it.

use std::{sync::Arc, time::Duration};

use kapi::{FLUSH_BINDING, REGISTRAR_EXCHANGE, SUCCESS_BINDING};
use lapin::{
    Channel, Connection, ConnectionProperties, Consumer, ErrorKind, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
    uri::AMQPUri,
};

use crate::{publisher::Publisher, settings::Settings};

/// AMQP reply codes (AMQP 0-9-1, 1.1) that mean something special here.
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;

/// A connection that consumes.
pub(crate) struct Session {
    pub(crate) connection: Arc<Connection>,
    pub(crate) channel: Channel,
    pub(crate) consumer: Consumer,
    pub(crate) publisher: Publisher,
}

impl Session {
    /// Connects, declares and starts to consume; the error says at what it failed.
    pub(crate) async fn open(
        uri: AMQPUri,
        queue: &str,
        settings: &Settings,
    ) -> Result<Self, String> {
        let opening = Self::open_unbounded(uri, queue, settings);
        let late = |_| {
            format!(
                "no connection within {} s",
                settings.connect_timeout.as_secs()
            )
        };
        tokio::time::timeout(settings.connect_timeout, opening)
            .await
            .map_err(late)?
    }

    async fn open_unbounded(
        uri: AMQPUri,
        queue: &str,
        settings: &Settings,
    ) -> Result<Self, String> {
        let properties = ConnectionProperties::default()
            .with_connection_name(settings.node.as_str().into())
            .with_client_property("product".into(), "rollcall".into())
            .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into());
        let at = |step: &'static str| move |error: lapin::Error| format!("{step}: {error}");
        let connection = Connection::connect_uri(uri, properties)
            .await
            .map_err(at("connecting"))?;
        let connection = Arc::new(connection);
        declare_exchange(&connection)
            .await
            .map_err(at("declaring the exchange registrar"))?;
        declare_queue(&connection, queue, settings)
            .await
            .map_err(at("declaring the queue"))?;
        let channel = connection
            .create_channel()
            .await
            .map_err(at("opening a channel"))?;
        for binding in [SUCCESS_BINDING, FLUSH_BINDING] {
            let bound = channel.queue_bind(
                queue.into(),
                REGISTRAR_EXCHANGE.into(),
                binding.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            bound.await.map_err(at("binding the queue"))?;
        }
        channel
            .basic_qos(settings.prefetch, BasicQosOptions::default())
            .await
            .map_err(at("setting the prefetch"))?;
        // Exclusive, since two processes on one queue would each see half of the events.
        let options = BasicConsumeOptions {
            exclusive: true,
            ..BasicConsumeOptions::default()
        };
        let consumer = channel
            .basic_consume(queue.into(), "".into(), options, FieldTable::default())
            .await
            .map_err(|error| consume_error(&error, queue))?;
        let publisher = Publisher::open(Arc::clone(&connection))
            .await
            .map_err(at("opening a channel to publish"))?;
        Ok(Self {
            connection,
            channel,
            consumer,
            publisher,
        })
    }

    /// Closes politely, but not for longer than `limit`.
    pub(crate) async fn close(&self, limit: Duration) {
        let closing = async {
            // The channel first: its answer comes after the broker has seen our acks.
            let _ = self.channel.close(200, "stopping".into()).await;
            let _ = self.connection.close(200, "stopping".into()).await;
        };
        if tokio::time::timeout(limit, closing).await.is_err() {
            tracing::debug!("the broker did not answer to the close");
        }
    }
}

/// Kazoo's flags to the letter: others would be refused (406) by whoever comes second.
async fn declare_exchange(connection: &Connection) -> lapin::Result<()> {
    let channel = connection.create_channel().await?;
    let options = ExchangeDeclareOptions::default();
    channel
        .exchange_declare(
            REGISTRAR_EXCHANGE.into(),
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        )
        .await?;
    channel.close(200, "declared".into()).await
}

/// A queue that outlives a restart of ours, but not for ever, and never fills the broker.
async fn declare_queue(
    connection: &Connection,
    queue: &str,
    settings: &Settings,
) -> lapin::Result<()> {
    let mut arguments = FieldTable::default();
    let expires = u32::try_from(settings.queue_expires.as_millis()).unwrap_or(u32::MAX);
    arguments.insert(
        "x-expires".into(),
        AMQPValue::LongLongInt(i64::from(expires)),
    );
    arguments.insert(
        "x-max-length".into(),
        AMQPValue::LongLongInt(i64::from(settings.queue_max_length)),
    );
    arguments.insert(
        "x-overflow".into(),
        AMQPValue::LongString("drop-head".into()),
    );
    let channel = connection.create_channel().await?;
    match channel
        .queue_declare(queue.into(), QueueDeclareOptions::default(), arguments)
        .await
    {
        Ok(_) => channel.close(200, "declared".into()).await,
        Err(error) if reply_code(&error) == Some(PRECONDITION_FAILED) => {
            // It is there with the settings of an earlier start. What waits in it is worth more
            // than its limits: consume it as it is.
            tracing::warn!(
                queue,
                "the queue keeps its former limits until it is deleted or has expired"
            );
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn consume_error(error: &lapin::Error, queue: &str) -> String {
    if reply_code(error) == Some(ACCESS_REFUSED) {
        format!(
            "another process consumes the queue {queue}: give each rollcall an amqp.node of its own ({error})"
        )
    } else {
        format!("consuming: {error}")
    }
}

fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
