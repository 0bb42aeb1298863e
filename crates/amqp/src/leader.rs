//! Which node of a zone sends notices: the one that holds an exclusive queue on the zone's broker.
//!
//! The broker frees the queue when the connection that declared it ends; the next that asks has it.

use std::time::Duration;

use lapin::{Channel, Connection, options::QueueDeclareOptions, types::FieldTable};

use crate::link::Link;

const QUEUE: &str = "rollcall-notifier";
/// How often the others ask.
const PERIOD: Duration = Duration::from_secs(30);

/// Asks until it is had, and then holds it for as long as this is not dropped.
pub(crate) async fn seek(connection: &Connection, link: &Link) -> std::convert::Infallible {
    let mut held: Option<Channel> = None;
    loop {
        let still = held
            .as_ref()
            .is_some_and(|channel| channel.status().connected());
        if !still {
            held = declare(connection).await.ok();
            if held.is_some() != link.leads() {
                tracing::info!(zone = %link.zone, leads = held.is_some(), "sending notices");
            }
            link.lead(held.is_some());
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn declare(connection: &Connection) -> lapin::Result<Channel> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(QUEUE.into(), options, FieldTable::default())
        .await?;
    Ok(channel)
}
