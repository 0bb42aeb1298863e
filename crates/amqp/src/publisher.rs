//! Publishing, each message confirmed by the broker.

use std::{sync::Arc, time::Duration};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use registrar::Publication;
use tokio::sync::{Mutex, Semaphore};

/// How many publications may be under way; more wait, within the same time limit.
const MAX_IN_FLIGHT: usize = 256;

/// A zone's way out, as long as its connection lasts.
#[derive(Clone)]
pub(crate) struct Publisher {
    connection: Arc<Connection>,
    channel: Arc<Mutex<Channel>>,
    in_flight: Arc<Semaphore>,
}

impl Publisher {
    pub(crate) async fn open(connection: Arc<Connection>) -> lapin::Result<Self> {
        let channel = confirming(&connection).await?;
        Ok(Self {
            connection,
            channel: Arc::new(Mutex::new(channel)),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        })
    }

    /// Publishes and waits for the broker's confirm; tries once more on a fresh channel.
    pub(crate) async fn publish(
        &self,
        publication: &Publication,
        limit: Duration,
    ) -> Result<(), String> {
        let publishing = async {
            let _permit = self
                .in_flight
                .acquire()
                .await
                .map_err(|error| error.to_string())?;
            let channel = self.channel.lock().await.clone();
            match publish(&channel, publication).await {
                Ok(confirmed) => confirmed,
                Err(error) => {
                    tracing::debug!(%error, "publishing failed, trying on a fresh channel");
                    let channel = self
                        .replace(channel.id())
                        .await
                        .map_err(|error| error.to_string())?;
                    publish(&channel, publication)
                        .await
                        .map_err(|error| error.to_string())?
                }
            }
        };
        let late = |_| format!("no confirm within {} s", limit.as_secs());
        tokio::time::timeout(limit, publishing)
            .await
            .map_err(late)?
    }

    /// A channel in place of the one that failed, unless another publication has replaced it.
    async fn replace(&self, failed: u16) -> lapin::Result<Channel> {
        let mut channel = self.channel.lock().await;
        if channel.id() == failed || !channel.status().connected() {
            *channel = confirming(&self.connection).await?;
        }
        Ok(channel.clone())
    }
}

async fn confirming(connection: &Connection) -> lapin::Result<Channel> {
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    Ok(channel)
}

/// The outer error is the channel's, the inner one the broker's refusal.
async fn publish(
    channel: &Channel,
    publication: &Publication,
) -> lapin::Result<Result<(), String>> {
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let confirm = channel
        .basic_publish(
            publication.exchange.into(),
            publication.routing_key.as_str().into(),
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
