//! Publishing, each message confirmed by the broker, over a connection of its own: a broker that is
//! short of memory reads nothing more from a connection that has published, acknowledgements
//! included.

use std::{sync::Arc, time::Duration};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use registrar::Publication;
use tokio::sync::{Mutex, Semaphore};

use crate::dial::{Dialer, HangUp};

/// How many publications may be under way; more wait, within the same time limit.
const MAX_IN_FLIGHT: usize = 256;
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
#[derive(Clone)]
pub(crate) struct Publisher {
    dialer: Arc<Dialer>,
    line: Arc<Mutex<Option<Line>>>,
    in_flight: Arc<Semaphore>,
}

/// A connection and its channel.
struct Line {
    connection: Arc<Connection>,
    channel: Option<Channel>,
    _hang_up: HangUp,
}

impl Publisher {
    pub(crate) async fn open(dialer: Arc<Dialer>) -> lapin::Result<Self> {
        let publisher = Self {
            dialer,
            line: Arc::default(),
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
        if let Ok(result) = tokio::time::timeout(limit, publishing).await {
            return result;
        }
        // The channel keeps what is unconfirmed, so it has to go. If somebody holds the lock, it
        // is being replaced already.
        if let Ok(mut line) = self.line.try_lock()
            && let Some(line) = &mut *line
        {
            line.channel = None;
        }
        let seconds = limit.as_secs_f32();
        Err(PublishError::Failed(format!(
            "no confirm within {seconds} s"
        )))
    }

    /// The outer error is the channel's, the inner one the broker's refusal.
    async fn attempt(
        &self,
        publication: &Publication,
        routing_key: &ShortString,
    ) -> lapin::Result<Result<(), PublishError>> {
        let failed = |why: &str| Ok(Err(PublishError::Failed(why.into())));
        let Some(channel) = self.channel().await? else {
            // lapin would keep it without bound, and send it long after we had given it up.
            return failed("the broker takes no messages now (memory or disk alarm)");
        };
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
        match confirm.await? {
            Confirmation::Ack(None) => Ok(Ok(())),
            Confirmation::Ack(Some(_)) => Ok(Err(PublishError::Unroutable)),
            Confirmation::Nack(_) => failed("the broker refused it (nack)"),
            Confirmation::NotRequested => failed("the channel does not confirm"),
        }
    }

    /// The channel, a fresh one if the last one broke, on a fresh connection if that one did.
    /// `None` if the broker has said that it takes no messages.
    async fn channel(&self) -> lapin::Result<Option<Channel>> {
        let mut slot = self.line.lock().await;
        let line = match &mut *slot {
            Some(line) if line.connection.status().blocked() => return Ok(None),
            Some(line) if line.connection.status().connected() => line,
            _ => {
                *slot = None;
                let (connection, hang_up) = self.dialer.dial("publishing").await?;
                slot.insert(Line {
                    connection: Arc::new(connection),
                    channel: None,
                    _hang_up: hang_up,
                })
            }
        };
        match &line.channel {
            Some(channel) if channel.status().connected() => Ok(Some(channel.clone())),
            _ => {
                let channel = line.connection.create_channel().await?;
                channel
                    .confirm_select(ConfirmSelectOptions::default())
                    .await?;
                line.channel = Some(channel.clone());
                Ok(Some(channel))
            }
        }
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
