//! Publishing, each message confirmed by the broker, over a connection of its own: a broker that is
//! short of memory reads nothing more from a connection that has published, acknowledgements
//! included.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use registrar::Publication;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::dial::{Dialer, HangUp};

/// How many publications may be under way, each on a channel of its own; more wait, within the same
/// time limit.
const MAX_IN_FLIGHT: usize = 64;
/// Lost by the broker's restart, like the queues that it goes to.
const TRANSIENT: u8 = 1;

/// Why something was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishError {
    /// The broker has it, and no queue takes it.
    #[error("no queue takes it: is anybody bound to the exchange?")]
    Unroutable,
    /// The broker does not have it, for all we know.
    #[error("{0}")]
    Failed(String),
}

impl From<lapin::Error> for PublishError {
    fn from(error: lapin::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A zone's way out, as long as its session lasts.
///
/// A channel carries one publication at a time. With several under way on one, lapin may number
/// them otherwise than it sends them, and gives a returned message to any of those that are
/// confirmed with it: a publication that reached nobody would be taken for one that did.
#[derive(Clone)]
pub(crate) struct Publisher {
    dialer: Arc<Dialer>,
    line: Arc<AsyncMutex<Option<Arc<Line>>>>,
    in_flight: Arc<Semaphore>,
}

/// A connection and its channels.
struct Line {
    connection: Connection,
    /// Channels on which all is confirmed.
    idle: Mutex<Vec<Channel>>,
    _hang_up: HangUp,
}

impl Line {
    /// An idle channel, or a fresh one.
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

    fn idle(&self) -> MutexGuard<'_, Vec<Channel>> {
        // Nothing can panic while it is held.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publisher {
    pub(crate) async fn open(dialer: Arc<Dialer>) -> lapin::Result<Self> {
        let publisher = Self {
            dialer,
            line: Arc::default(),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        };
        if let Some(line) = publisher.line().await? {
            let channel = line.channel().await?;
            line.idle().push(channel);
        }
        Ok(publisher)
    }

    /// Publishes and waits for the broker's confirm; tries once more on a fresh channel.
    pub(crate) async fn publish(
        &self,
        publication: &Publication,
        limit: Duration,
    ) -> Result<(), PublishError> {
        // lapin panics when it has to make one of a longer text.
        let routing_key =
            ShortString::try_new(publication.routing_key.as_str()).map_err(|error| {
                PublishError::Failed(format!("the routing key is too long: {error}"))
            })?;
        let publishing = async {
            let permit = self.in_flight.acquire().await;
            let _permit = permit.map_err(|error| PublishError::Failed(error.to_string()))?;
            match self.attempt(publication, &routing_key).await {
                Ok(confirmed) => confirmed,
                Err(error) => {
                    tracing::debug!(%error, "publishing failed, trying on a fresh channel");
                    self.attempt(publication, &routing_key).await?
                }
            }
        };
        // Given up, it takes its channel with it, and what is unconfirmed there.
        let published = tokio::time::timeout(limit, publishing).await;
        published.unwrap_or_else(|_| {
            let seconds = limit.as_secs_f32();
            Err(PublishError::Failed(format!(
                "no confirm within {seconds} s"
            )))
        })
    }

    /// The outer error is the channel's, the inner one the broker's refusal.
    async fn attempt(
        &self,
        publication: &Publication,
        routing_key: &ShortString,
    ) -> lapin::Result<Result<(), PublishError>> {
        let failed = |why: &str| Ok(Err(PublishError::Failed(why.into())));
        let Some(line) = self.line().await? else {
            // lapin would keep it without bound, and send it long after we had given it up.
            return failed("the broker takes no messages now (memory or disk alarm)");
        };
        let channel = line.channel().await?;
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(TRANSIENT);
        let options = BasicPublishOptions {
            mandatory: publication.mandatory,
            ..BasicPublishOptions::default()
        };
        let (exchange, body) = (publication.exchange.into(), &publication.body);
        let confirm = channel
            .basic_publish(exchange, routing_key.clone(), options, body, properties)
            .await?;
        let confirmation = confirm.await?;
        line.idle().push(channel);
        match confirmation {
            Confirmation::Ack(None) => Ok(Ok(())),
            Confirmation::Ack(Some(_)) => Ok(Err(PublishError::Unroutable)),
            Confirmation::Nack(_) => failed("the broker refused it (nack)"),
            Confirmation::NotRequested => failed("the channel does not confirm"),
        }
    }

    /// The connection, a fresh one if the last one broke. `None` if the broker has said that it
    /// takes no messages.
    async fn line(&self) -> lapin::Result<Option<Arc<Line>>> {
        let mut slot = self.line.lock().await;
        match &*slot {
            Some(line) if line.connection.status().blocked() => return Ok(None),
            Some(line) if line.connection.status().connected() => {
                return Ok(Some(Arc::clone(line)));
            }
            _ => *slot = None,
        }
        let (connection, hang_up) = self.dialer.dial("publishing").await?;
        let line = Arc::new(Line {
            connection,
            idle: Mutex::default(),
            _hang_up: hang_up,
        });
        Ok(Some(Arc::clone(slot.insert(line))))
    }

    /// Says goodbye to the broker, which need not answer.
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
