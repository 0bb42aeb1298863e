//! One connection with all that is declared on it.

use std::{sync::Arc, time::Duration};

use kapi::{FLUSH_BINDING, SUCCESS_BINDING};
use lapin::{Channel, Connection, Consumer};
use registrar::Registrar;

use crate::{
    dial::{Dialer, HangUp},
    inbox::Inbox,
    publisher::Publisher,
    pulse::Pulse,
    settings::Settings,
    topology::{at, consume, declare_exchange, declare_others, declare_queue},
};

/// How long a polite goodbye to the broker may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// What is set up on a connection.
type Parts = (Channel, Consumer, Pulse, Inbox);

/// A connection that consumes.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) channel: Channel,
    pub(crate) consumer: Consumer,
    pub(crate) publisher: Publisher,
    pub(crate) pulse: Pulse,
    pub(crate) inbox: Inbox,
    /// Dropped last, when all that can be said politely has been said.
    _hang_up: HangUp,
}

impl Session {
    /// Connects, declares and starts to consume; the error says at what it failed.
    pub(crate) async fn open(
        dialer: Arc<Dialer>,
        queue: &str,
        registrar: &Registrar,
        settings: &Settings,
    ) -> Result<Self, String> {
        let limit = settings.connect_timeout;
        let late = |_| format!("no connection within {} s", limit.as_secs_f32());
        let deadline = tokio::time::Instant::now() + limit;
        let (connection, hang_up) = tokio::time::timeout_at(deadline, dialer.dial("consuming"))
            .await
            .map_err(late)?
            .map_err(at("connecting"))?;
        let setting_up = async {
            let publisher = Publisher::open(dialer)
                .await
                .map_err(at("opening a connection to publish"))?;
            let parts = Self::set_up(&connection, &publisher, queue, registrar, settings).await?;
            Ok::<_, String>((publisher, parts))
        };
        let set_up = tokio::time::timeout_at(deadline, setting_up).await;
        match set_up.map_err(late).flatten() {
            Ok((publisher, (channel, consumer, pulse, inbox))) => Ok(Self {
                connection,
                channel,
                consumer,
                publisher,
                pulse,
                inbox,
                _hang_up: hang_up,
            }),
            Err(reason) => {
                // Politely, or the broker's log fills with warnings about us.
                within_limit(connection.close(200, "giving up".into())).await;
                Err(reason)
            }
        }
    }

    async fn set_up(
        connection: &Connection,
        publisher: &Publisher,
        queue: &str,
        registrar: &Registrar,
        settings: &Settings,
    ) -> Result<Parts, String> {
        declare_exchange(connection)
            .await
            .map_err(at("declaring the exchange registrar"))?;
        declare_others(connection).await;
        declare_queue(connection, queue, settings)
            .await
            .map_err(at("declaring the queue"))?;
        let (answer_queries, limit) = (settings.answer_queries, settings.publish_timeout);
        let inbox = Inbox::open(
            connection,
            registrar,
            answer_queries,
            publisher.clone(),
            limit,
        )
        .await
        .map_err(at("opening the inbox"))?;
        let pulse = Pulse::of(queue);
        let bindings = [SUCCESS_BINDING, FLUSH_BINDING, pulse.key()];
        let (channel, consumer) = consume(connection, queue, &bindings, settings.prefetch).await?;
        Ok((channel, consumer, pulse, inbox))
    }

    /// Closes politely, but only for so long.
    pub(crate) async fn close(self) {
        // The channel first: its answer comes after the broker has seen our acks.
        within_limit(async {
            let _ = self.channel.close(200, "stopping".into()).await;
            let _ = self.publisher.close().await;
            self.connection.close(200, "stopping".into()).await
        })
        .await;
    }
}

/// A goodbye that fails or goes unanswered matters to nobody: the socket is cut afterwards.
async fn within_limit(goodbye: impl Future<Output = lapin::Result<()>>) {
    if !matches!(tokio::time::timeout(CLOSE_LIMIT, goodbye).await, Ok(Ok(()))) {
        tracing::debug!("the broker did not answer to the close");
    }
}
