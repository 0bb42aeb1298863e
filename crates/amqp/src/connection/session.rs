//! One connection with everything that is open on it.

use std::{sync::Arc, time::Duration};

use lapin::Connection;
use registrar::Registrar;
use tokio::time::{Instant, timeout_at};

use crate::{
    consume::{Events, Inbox, Pulse},
    dial::{CloseOnDrop, Dialer},
    error::{SessionError, at},
    publisher::Publisher,
    settings::Settings,
    topology::{declare_event_queue, declare_exchanges},
};

/// The time limit for the broker to answer to a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that consumes.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) parts: Parts,
    /// Dropped last, after the close.
    _close_on_drop: Arc<CloseOnDrop>,
}

/// What a session consumes and publishes with.
pub(crate) struct Parts {
    pub(crate) events: Events,
    pub(crate) inbox: Inbox,
    pub(crate) pulse: Pulse,
    pub(crate) publisher: Arc<Publisher>,
}

impl Session {
    /// Connects, declares and starts to consume.
    pub(crate) async fn open(
        dialer: Dialer,
        queue: &str,
        registrar: &Registrar,
        settings: &Settings,
    ) -> Result<Self, SessionError> {
        let deadline = Instant::now() + settings.connect_timeout;
        let late = |_| SessionError::Timeout(settings.connect_timeout);
        let (connection, close_on_drop) = timeout_at(deadline, dialer.dial("consuming"))
            .await
            .map_err(late)?
            .map_err(at("connecting"))?;
        let opening = Parts::open(&connection, dialer, queue, registrar, settings);
        match timeout_at(deadline, opening).await.map_err(late).flatten() {
            Ok(parts) => Ok(Self {
                connection,
                parts,
                _close_on_drop: close_on_drop,
            }),
            Err(error) => {
                // Without a close, the broker logs a warning.
                within_limit(connection.close(200, "giving up".into())).await;
                Err(error)
            }
        }
    }

    /// Closes the connections.
    pub(crate) async fn close(self) {
        within_limit(async {
            // The channel first: its answer comes after the broker has seen our acknowledgements.
            let _ = self.parts.events.close().await;
            let _ = self.parts.publisher.close().await;
            self.connection.close(200, "stopping".into()).await
        })
        .await;
    }
}

impl Parts {
    async fn open(
        connection: &Connection,
        dialer: Dialer,
        queue: &str,
        registrar: &Registrar,
        settings: &Settings,
    ) -> Result<Self, SessionError> {
        let publisher = Publisher::open(Arc::new(dialer), settings.publish_timeout)
            .await
            .map_err(at("opening a connection to publish"))?;
        let publisher = Arc::new(publisher);
        declare_exchanges(connection)
            .await
            .map_err(at("declaring the exchanges"))?;
        declare_event_queue(connection, queue, settings)
            .await
            .map_err(at("declaring the queue"))?;
        let inbox = Inbox::open(connection, registrar.server_id(), settings.answer_queries)
            .await
            .map_err(at("opening the inbox"))?;
        let pulse = Pulse::of(queue);
        let events = Events::open(connection, queue, &pulse, settings.prefetch).await?;
        Ok(Self {
            events,
            inbox,
            pulse,
            publisher,
        })
    }
}

/// Waits for a close, but not for long: the socket is shut down afterwards anyway.
async fn within_limit(close: impl Future<Output = lapin::Result<()>>) {
    if !matches!(tokio::time::timeout(CLOSE_TIMEOUT, close).await, Ok(Ok(()))) {
        tracing::debug!("the broker did not answer to the close");
    }
}
