//! What is declared where accounts are divided over several nodes.
//!
//! `registrar` hands every event to `rollcall-events`, which knows for each realm the partition it is
//! in: an exchange of its own. To that the queues of the nodes are bound that have the partition. A
//! realm that `rollcall-events` does not know yet goes to `rollcall-stray`, one queue that all members
//! take from: whoever gets the message hands it to its partition, and makes the realm known.

use std::sync::LazyLock;

use kapi::{FLUSH_BINDING, REGISTRAR_EXCHANGE, SUCCESS_BINDING, encode_segment};
use lapin::{
    Channel, Connection, ExchangeKind,
    options::{ExchangeBindOptions, ExchangeDeclareOptions, QueueBindOptions},
    types::{AMQPValue, FieldTable},
};
use registrar::{Division, PARTITIONS};

use crate::{
    pulse::Pulse,
    settings::Settings,
    topology::{at, declare_queue},
};

/// The exchange that knows realms.
pub(crate) const EVENTS_EXCHANGE: &str = "rollcall-events";
/// Where it sends what it does not know.
const STRAY_EXCHANGE: &str = "rollcall-stray";
/// The queue of that.
pub(crate) const STRAY_QUEUE: &str = "rollcall-stray";
/// Takes whatever the events' exchange has, but no pulse: that must come back if it is not taken.
const STRAY_BINDING: &str = "registration.success.#";
/// Realms with more bytes than this in a routing key may have been cut short there.
const MAX_SEGMENT_BYTES: usize = 120;

static PARTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let name = |partition| format!("rollcall-part-{partition}");
    (0..PARTITIONS).map(name).collect()
});

/// The exchange of a partition.
pub(crate) fn part(partition: u16) -> &'static str {
    PARTS.get(usize::from(partition)).map_or("", String::as_str)
}

/// What all events of a realm match, as long as it is spelled like this; `None` if proxies may write
/// it in another way, or if it would match others too.
pub(crate) fn pattern(realm: &str) -> Option<String> {
    let segment = encode_segment(realm);
    let is_plain = realm.is_ascii()
        && !matches!(segment.as_str(), "" | "*" | "#")
        && segment.len() <= MAX_SEGMENT_BYTES;
    is_plain.then(|| format!("registration.success.{segment}.*"))
}

/// Declares all of it, and binds the node's queue to the partitions that it has, and to no others.
pub(crate) async fn declare(
    connection: &Connection,
    queue: &str,
    pulse: &Pulse,
    division: &Division,
    settings: &Settings,
) -> Result<(), String> {
    let channel = connection.create_channel().await;
    let channel = channel.map_err(at("opening a channel"))?;
    declare_exchanges(&channel)
        .await
        .map_err(at("declaring the exchanges of partitions"))?;
    declare_queue(connection, STRAY_QUEUE, settings)
        .await
        .map_err(at("declaring the queue rollcall-stray"))?;
    bind_all(&channel, queue, pulse, division)
        .await
        .map_err(at("binding partitions"))?;
    let closed = channel.close(200, "declared".into()).await;
    closed.map_err(at("closing a channel"))
}

async fn declare_exchanges(channel: &Channel) -> lapin::Result<()> {
    // The broker answers to the last one; it has done the others by then, or has closed the channel.
    let unanswered = ExchangeDeclareOptions {
        nowait: true,
        ..ExchangeDeclareOptions::default()
    };
    for partition in 0..PARTITIONS {
        let none = FieldTable::default();
        channel
            .exchange_declare(
                part(partition).into(),
                ExchangeKind::Fanout,
                unanswered,
                none,
            )
            .await?;
    }
    let options = ExchangeDeclareOptions::default();
    let (stray, none) = (STRAY_EXCHANGE.into(), FieldTable::default());
    channel
        .exchange_declare(stray, ExchangeKind::Topic, options, none)
        .await?;
    let mut arguments = FieldTable::default();
    arguments.insert(
        "alternate-exchange".into(),
        AMQPValue::LongString(STRAY_EXCHANGE.into()),
    );
    channel
        .exchange_declare(
            EVENTS_EXCHANGE.into(),
            ExchangeKind::Topic,
            options,
            arguments,
        )
        .await
}

async fn bind_all(
    channel: &Channel,
    queue: &str,
    pulse: &Pulse,
    division: &Division,
) -> lapin::Result<()> {
    let bind = |exchange: &'static str, key: &str| {
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        channel.queue_bind(queue.into(), exchange.into(), key.into(), options, none)
    };
    let stray = QueueBindOptions::default();
    channel
        .queue_bind(
            STRAY_QUEUE.into(),
            STRAY_EXCHANGE.into(),
            STRAY_BINDING.into(),
            stray,
            FieldTable::default(),
        )
        .await?;
    bind(REGISTRAR_EXCHANGE, FLUSH_BINDING).await?;
    bind(EVENTS_EXCHANGE, pulse.key()).await?;
    for partition in division.own().iter() {
        bind(part(partition), "").await?;
    }
    // What comes in is stored from here on.
    for key in [SUCCESS_BINDING, "rollcall.pulse.*"] {
        make_known(channel, EVENTS_EXCHANGE, REGISTRAR_EXCHANGE, key).await?;
    }
    // Left behind by another list of members, or by a time without any.
    let unbind = |exchange: &'static str, key: &str| {
        channel.queue_unbind(
            queue.into(),
            exchange.into(),
            key.into(),
            FieldTable::default(),
        )
    };
    for partition in (0..PARTITIONS).filter(|partition| !division.own().has(*partition)) {
        unbind(part(partition), "").await?;
    }
    unbind(REGISTRAR_EXCHANGE, SUCCESS_BINDING).await?;
    unbind(REGISTRAR_EXCHANGE, pulse.key()).await
}

/// Binds an exchange to another.
pub(crate) async fn make_known(
    channel: &Channel,
    destination: &str,
    source: &str,
    key: &str,
) -> lapin::Result<()> {
    let (options, none) = (ExchangeBindOptions::default(), FieldTable::default());
    channel
        .exchange_bind(destination.into(), source.into(), key.into(), options, none)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_matches_its_own_events_only() {
        assert_eq!(
            pattern("a.example.com").unwrap(),
            "registration.success.a%2Eexample%2Ecom.*"
        );
        let long = "a".repeat(200);
        for other in ["", "*", "#", "bücher.example.com", &long] {
            assert_eq!(pattern(other), None, "{other}");
        }
        // Neither of them splits the key.
        assert_eq!(pattern("a.*").unwrap(), "registration.success.a%2E%2A.*");
    }

    #[test]
    fn every_partition_has_an_exchange() {
        assert_eq!(part(0), "rollcall-part-0");
        assert_eq!(part(PARTITIONS - 1), "rollcall-part-1023");
    }
}
