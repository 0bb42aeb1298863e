//! Exchanges, queues and bindings: what is declared on a broker.

use std::time::Duration;

use kapi::{
    CALLMGR_EXCHANGE, NOTIFICATIONS_EXCHANGE, PRESENCE_EXCHANGE, REGISTRAR_EXCHANGE,
    SWITCH_EXCHANGE, TARGETED_EXCHANGE,
};
use lapin::{
    Channel, Connection, Consumer, ErrorKind, ExchangeKind, Queue,
    options::{
        BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::settings::Settings;

/// Kazoo's exchanges, and whether we consume from them. They have exactly Kazoo's flags: the broker
/// refuses a second declaration with others.
const EXCHANGES: [(&str, ExchangeKind, bool); 6] = [
    (REGISTRAR_EXCHANGE, ExchangeKind::Topic, true),
    (TARGETED_EXCHANGE, ExchangeKind::Direct, true),
    (CALLMGR_EXCHANGE, ExchangeKind::Topic, false),
    (NOTIFICATIONS_EXCHANGE, ExchangeKind::Topic, false),
    (PRESENCE_EXCHANGE, ExchangeKind::Topic, false),
    (SWITCH_EXCHANGE, ExchangeKind::Topic, false),
];

/// Declares all exchanges. Publishing to a missing one closes the channel; but one that cannot be
/// declared is no reason not to consume from others.
pub(crate) async fn declare_exchanges(connection: &Connection) -> lapin::Result<()> {
    for (exchange, kind, is_consumed) in EXCHANGES {
        match declare_exchange(connection, exchange, kind).await {
            Err(error) if is_consumed => return Err(error),
            Err(error) => {
                tracing::warn!(exchange, %error, "an exchange cannot be declared; what is published to it may be lost");
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Uses a channel of its own, since a refusal closes it.
async fn declare_exchange(
    connection: &Connection,
    exchange: &'static str,
    kind: ExchangeKind,
) -> lapin::Result<()> {
    let channel = connection.create_channel().await?;
    let options = ExchangeDeclareOptions::default();
    channel
        .exchange_declare(exchange.into(), kind, options, FieldTable::default())
        .await?;
    channel.close(200, "declared".into()).await
}

/// Declares the queue of events. It outlives a restart of ours, but not for ever, and never fills the
/// broker.
pub(crate) async fn declare_event_queue(
    connection: &Connection,
    queue: &str,
    settings: &Settings,
) -> lapin::Result<()> {
    let max_length = AMQPValue::LongLongInt(settings.queue_max_length.into());
    let arguments = table([
        ("x-expires", millis(settings.queue_expires)),
        ("x-max-length", max_length),
        ("x-overflow", AMQPValue::LongString("drop-head".into())),
    ]);
    let channel = connection.create_channel().await?;
    let declared = channel.queue_declare(queue.into(), QueueDeclareOptions::default(), arguments);
    match declared.await {
        Ok(_) => channel.close(200, "declared".into()).await,
        Err(error) if is_soft(&error, &AMQPSoftError::PRECONDITIONFAILED) => {
            // It exists with the limits of an earlier start. Its messages are worth more than its
            // limits, and events between a deletion and the next declaration would be lost.
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

/// Declares a queue that ends with its connection. The broker names it if `name` is empty.
pub(crate) async fn declare_exclusive_queue<const N: usize>(
    channel: &Channel,
    name: &str,
    arguments: [(&str, AMQPValue); N],
) -> lapin::Result<ShortString> {
    let options = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare(name.into(), options, table(arguments))
        .await?;
    Ok(queue.name().clone())
}

/// Looks at a queue: how many messages wait, how many consumers there are.
pub(crate) async fn inspect(connection: &Connection, queue: &str) -> lapin::Result<Queue> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare(queue.into(), options, FieldTable::default())
        .await?;
    channel.close(200, "inspected".into()).await?;
    Ok(queue)
}

/// Binds a queue to an exchange.
pub(crate) async fn bind(
    channel: &Channel,
    queue: &str,
    exchange: &str,
    key: &str,
) -> lapin::Result<()> {
    let options = QueueBindOptions::default();
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            options,
            FieldTable::default(),
        )
        .await
}

/// Consumes a queue, with at most `prefetch` unacknowledged deliveries.
pub(crate) async fn consume(
    channel: &Channel,
    queue: &str,
    prefetch: u16,
) -> lapin::Result<Consumer> {
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    // Exclusive: of two processes on one queue, each would see half of the messages.
    let options = BasicConsumeOptions {
        exclusive: true,
        ..BasicConsumeOptions::default()
    };
    channel
        .basic_consume(queue.into(), "".into(), options, FieldTable::default())
        .await
}

/// Whether the broker answered with this error of AMQP 0-9-1 (section 1.1), which closes a channel.
pub(crate) fn is_soft(error: &lapin::Error, expected: &AMQPSoftError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ProtocolError(error)
            if matches!(error.kind(), AMQPErrorKind::Soft(soft) if soft == expected)
    )
}

/// A duration as an argument of a queue.
pub(crate) fn millis(duration: Duration) -> AMQPValue {
    let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    AMQPValue::LongLongInt(millis.into())
}

fn table<const N: usize>(arguments: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in arguments {
        table.insert(key.into(), value);
    }
    table
}
