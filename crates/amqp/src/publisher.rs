//! Publishes messages, each confirmed by the broker.
//!
//! Uses a connection of its own: a broker that is short of memory stops reading from a connection that
//! has published, acknowledgements included.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use registrar::{Publication, PublishFailure};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::dial::{CloseOnDrop, Dialer};

/// The most publications under way, each on a channel of its own. More wait, within the same time
/// limit.
const MAX_IN_FLIGHT: usize = 64;
/// Lost when the broker restarts, like the queues that it goes to.
const TRANSIENT: u8 = 1;

/// Publishes to a zone's broker, as long as its session lasts.
///
/// A channel carries one publication at a time. With several under way on one, lapin may number
/// them in another order than it sends them, and attributes a returned message to any of those that
/// are confirmed with it: a publication that reached no queue would count as one that did.
pub(crate) struct Publisher {
    dialer: Arc<Dialer>,
    timeout: Duration,
    line: AsyncMutex<Option<Arc<Line>>>,
    in_flight: Semaphore,
}

/// A connection and its channels.
struct Line {
    connection: Connection,
    /// Channels without a publication.
    idle: Mutex<Vec<Channel>>,
    _close_on_drop: Arc<CloseOnDrop>,
}

impl Line {
    /// An idle channel, or a new one.
    async fn channel(&self) -> lapin::Result<Channel> {
        while let Some(channel) = self.idle().pop() {
            if channel.status().connected() {
                return Ok(channel);
            }
        }
        let channel = self.connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(channel)
    }

    /// Publishes on a channel of its own, and waits for the broker's confirm.
    async fn publish(
        &self,
        publication: &Publication,
        routing_key: ShortString,
    ) -> lapin::Result<Confirmation> {
        let channel = self.channel().await?;
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(TRANSIENT);
        let options = BasicPublishOptions {
            mandatory: publication.mandatory,
            ..BasicPublishOptions::default()
        };
        let (exchange, body) = (publication.exchange.into(), &publication.body);
        let confirm = channel
            .basic_publish(exchange, routing_key, options, body, properties)
            .await?;
        let confirmation = confirm.await?;
        self.idle().push(channel);
        Ok(confirmation)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Channel>> {
        // Nothing can panic while it is held.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publisher {
    /// Connects, and opens a first channel.
    pub(crate) async fn open(dialer: Arc<Dialer>, timeout: Duration) -> lapin::Result<Self> {
        let publisher = Self {
            dialer,
            timeout,
            line: AsyncMutex::default(),
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
        };
        if let Some(line) = publisher.line().await? {
            let channel = line.channel().await?;
            line.idle().push(channel);
        }
        Ok(publisher)
    }

    /// Publishes and waits for the broker's confirm; tries once more on another channel.
    pub(crate) async fn publish(&self, publication: &Publication) -> Result<(), PublishFailure> {
        // lapin panics on a longer text.
        let routing_key = ShortString::try_new(publication.routing_key.as_str())
            .map_err(|_| PublishFailure::RoutingKeyTooLong)?;
        let publishing = async {
            let _permit = self.in_flight.acquire().await;
            match self.attempt(publication, &routing_key).await {
                Err(PublishFailure::Failed(error)) => {
                    tracing::debug!(error, "publishing failed, trying on another channel");
                    self.attempt(publication, &routing_key).await
                }
                done => done,
            }
        };
        // Dropping it drops its channel, with the unconfirmed publication on it.
        let published = tokio::time::timeout(self.timeout, publishing).await;
        published.unwrap_or(Err(PublishFailure::Unconfirmed(self.timeout)))
    }

    async fn attempt(
        &self,
        publication: &Publication,
        routing_key: &ShortString,
    ) -> Result<(), PublishFailure> {
        let failed = |error: lapin::Error| PublishFailure::Failed(error.to_string());
        let Some(line) = self.line().await.map_err(failed)? else {
            // lapin would keep it without bound, and send it long after the time limit.
            return Err(PublishFailure::Blocked);
        };
        let published = line.publish(publication, routing_key.clone()).await;
        match published.map_err(failed)? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) => Err(PublishFailure::Unroutable),
            Confirmation::Nack(_) | Confirmation::NotRequested => Err(PublishFailure::Refused),
        }
    }

    /// The connection, or a new one if it broke. `None` while the broker takes no messages.
    async fn line(&self) -> lapin::Result<Option<Arc<Line>>> {
        let mut slot = self.line.lock().await;
        match &*slot {
            Some(line) if line.connection.status().blocked() => return Ok(None),
            Some(line) if line.connection.status().connected() => {
                return Ok(Some(Arc::clone(line)));
            }
            _ => *slot = None,
        }
        let (connection, close_on_drop) = self.dialer.dial("publishing").await?;
        let line = Arc::new(Line {
            connection,
            idle: Mutex::default(),
            _close_on_drop: close_on_drop,
        });
        Ok(Some(Arc::clone(slot.insert(line))))
    }

    /// Closes the connection.
    pub(crate) async fn close(&self) -> lapin::Result<()> {
        let line = self.line.lock().await.take();
        match line {
            Some(line) if line.connection.status().connected() => {
                line.connection.close(200, "stopping".into()).await
            }
            _ => Ok(()),
        }
    }
}
