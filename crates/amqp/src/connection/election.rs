//! Elects the node of a zone that sends notices: the one that holds an exclusive queue on the zone's
//! broker.
//!
//! The broker frees the queue when the connection that declared it ends; the next node that asks gets
//! it.

use std::{convert::Infallible, time::Duration};

use lapin::{Channel, Connection};

use super::link::Link;
use crate::topology::declare_exclusive_queue;

const QUEUE: &str = "rollcall-notifier";
/// How often the other nodes ask.
const PERIOD: Duration = Duration::from_secs(30);

/// Asks until this node is elected, which lasts until this is dropped.
pub(crate) async fn stand(connection: &Connection, link: &Link) -> Infallible {
    let mut held: Option<Channel> = None;
    loop {
        let is_held = held
            .as_ref()
            .is_some_and(|channel| channel.status().connected());
        if !is_held {
            held = declare(connection).await.ok();
            if held.is_some() != link.is_notifier() {
                tracing::info!(zone = %link.zone, leads = held.is_some(), "sending notices");
            }
            link.set_notifier(held.is_some());
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn declare(connection: &Connection) -> lapin::Result<Channel> {
    let channel = connection.create_channel().await?;
    declare_exclusive_queue(&channel, QUEUE, []).await?;
    Ok(channel)
}
