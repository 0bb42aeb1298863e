//! What is declared on a broker: Kazoo's exchange, and our queue on it.

use kapi::{
    CALLMGR_EXCHANGE, NOTIFICATIONS_EXCHANGE, PRESENCE_EXCHANGE, REGISTRAR_EXCHANGE,
    SWITCH_EXCHANGE,
};
use lapin::{
    Channel, Connection, Consumer, ErrorKind, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
};

use crate::settings::Settings;

/// AMQP reply codes (AMQP 0-9-1, 1.1) that mean something special here.
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;

/// Says at what step an error came up.
pub(crate) fn at(step: &'static str) -> impl Fn(lapin::Error) -> String {
    move |error| format!("{step}: {error}")
}

/// Kazoo's flags to the letter: others would be refused (406) by whoever comes second.
pub(crate) async fn declare_exchange(connection: &Connection) -> lapin::Result<()> {
    declare_topic(connection, REGISTRAR_EXCHANGE).await
}

/// Exchanges of Kazoo's that are only published to. Publishing to one that is not there closes the
/// channel; one that cannot be declared is no reason not to consume.
pub(crate) async fn declare_others(connection: &Connection) {
    for exchange in [
        CALLMGR_EXCHANGE,
        NOTIFICATIONS_EXCHANGE,
        PRESENCE_EXCHANGE,
        SWITCH_EXCHANGE,
    ] {
        if let Err(error) = declare_topic(connection, exchange).await {
            tracing::warn!(exchange, %error, "an exchange cannot be declared; what is published to it may be lost");
        }
    }
}

async fn declare_topic(connection: &Connection, exchange: &'static str) -> lapin::Result<()> {
    let channel = connection.create_channel().await?;
    let (kind, options) = (ExchangeKind::Topic, ExchangeDeclareOptions::default());
    channel
        .exchange_declare(exchange.into(), kind, options, FieldTable::default())
        .await?;
    channel.close(200, "declared".into()).await
}

/// A queue that outlives a restart of ours, but not for ever, and never fills the broker.
pub(crate) async fn declare_queue(
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
            // than its limits, and whatever is published between a deletion and the next
            // declaration would be lost: consume it as it is.
            tracing::warn!(
                queue,
                %error,
                "the queue keeps its former limits until it is deleted or has expired"
            );
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Binds the queue on a channel of its own and consumes it, at most `prefetch` deliveries ahead.
pub(crate) async fn consume(
    connection: &Connection,
    queue: &str,
    bindings: &[&str],
    prefetch: u16,
) -> Result<(Channel, Consumer), String> {
    let channel = connection
        .create_channel()
        .await
        .map_err(at("opening a channel"))?;
    for binding in bindings {
        let bound = channel.queue_bind(
            queue.into(),
            REGISTRAR_EXCHANGE.into(),
            (*binding).into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.map_err(at("binding the queue"))?;
    }
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
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
    Ok((channel, consumer))
}

fn consume_error(error: &lapin::Error, queue: &str) -> String {
    // The same code stands for a lack of permissions; only the broker's words tell them apart.
    if reply_code(error) == Some(ACCESS_REFUSED) && error.to_string().contains("exclusive use") {
        format!(
            "another process consumes queue {queue}; give each rollcall its own amqp.node ({error})"
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
