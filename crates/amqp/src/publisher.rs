//! Publishing, each message confirmed by the broker.

use std::{sync::Arc, time::Duration};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use registrar::Publication;
use tokio::sync::{Mutex, Semaphore};

/// How many publications may be under way; more wait, within the same time limit.
const MAX_IN_FLIGHT: usize = 256;
/// Lost by the broker's restart, like the queues that it goes to.
const TRANSIENT: u8 = 1;

/// A zone's way out, as long as its connection lasts.
#[derive(Clone)]
pub(crate) struct Publisher {
    connection: Arc<Connection>,
    channel: Arc<Mutex<Option<Channel>>>,
    in_flight: Arc<Semaphore>,
}

impl Publisher {
    pub(crate) async fn open(connection: Arc<Connection>) -> lapin::Result<Self> {
        let publisher = Self {
            connection,
            channel: Arc::default(),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        };
        publisher.channel().await?;
        Ok(publisher)
    }

    /// Publishes and waits for the broker's confirm; tries once more on a fresh channel.
    pub(crate) async fn publish(
        &self,
        publication: &Publication,
        limit: Duration,
    ) -> Result<(), String> {
        // lapin panics when it has to make one of a longer text.
        let routing_key = ShortString::try_new(publication.routing_key.as_str())
            .map_err(|error| format!("the routing key is too long: {error}"))?;
        if self.connection.status().blocked() {
            // lapin would keep it without bound, and send it long after we had given it up.
            return Err("the broker takes no messages now (memory or disk alarm)".into());
        }
        let publishing = async {
            let _permit = self
                .in_flight
                .acquire()
                .await
                .map_err(|error| error.to_string())?;
            match self.attempt(publication, &routing_key).await {
                Ok(confirmed) => confirmed,
                Err(error) => {
                    tracing::debug!(%error, "publishing failed, trying on a fresh channel");
                    self.attempt(publication, &routing_key)
                        .await
                        .map_err(|error| error.to_string())?
                }
            }
        };
        if let Ok(result) = tokio::time::timeout(limit, publishing).await {
            return result;
        }
        // The channel keeps what is unconfirmed, so it has to go. If somebody holds the lock, it
        // is being replaced already.
        if let Ok(mut channel) = self.channel.try_lock() {
            *channel = None;
        }
        Err(format!("no confirm within {} s", limit.as_secs_f32()))
    }

    /// The outer error is the channel's, the inner one the broker's refusal.
    async fn attempt(
        &self,
        publication: &Publication,
        routing_key: &ShortString,
    ) -> lapin::Result<Result<(), String>> {
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(TRANSIENT);
        let channel = self.channel().await?;
        let confirm = channel
            .basic_publish(
                publication.exchange.into(),
                routing_key.clone(),
                // Not `mandatory`: our own queue is bound to flushes too, so every one is routable.
                BasicPublishOptions::default(),
                &publication.body,
                properties,
            )
            .await?;
        Ok(match confirm.await? {
            Confirmation::Ack(_) => Ok(()),
            Confirmation::Nack(_) => Err("the broker refused it (nack)".into()),
            Confirmation::NotRequested => Err("the channel does not confirm".into()),
        })
    }

    /// The channel, a fresh one if the last one broke.
    async fn channel(&self) -> lapin::Result<Channel> {
        let mut slot = self.channel.lock().await;
        match &*slot {
            Some(channel) if channel.status().connected() => Ok(channel.clone()),
            _ => {
                let channel = self.connection.create_channel().await?;
                channel
                    .confirm_select(ConfirmSelectOptions::default())
                    .await?;
                Ok(slot.insert(channel).clone())
            }
        }
    }
}
