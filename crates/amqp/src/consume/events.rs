//! Registration events: applied in order, and acknowledged many at once.

use futures_util::{FutureExt as _, StreamExt as _};
use kapi::{FLUSH_BINDING, REGISTRAR_EXCHANGE, SUCCESS_BINDING};
use lapin::{
    Acker, Channel, Connection, Consumer, message::Delivery, options::BasicAckOptions,
    protocol::AMQPSoftError,
};
use registrar::Registrar;
use registration::Zone;
use tokio_util::sync::CancellationToken;

use super::{
    deliver::{LOG_PERIOD, deliver},
    pulse::Pulse,
};
use crate::{
    error::{SessionError, at},
    log_limit::LogLimit,
    topology::{bind, consume, inspect, is_soft},
};

/// The most deliveries that are acknowledged at once.
const MAX_BATCH: u16 = 256;

/// The queue of events, with its consumer.
pub(crate) struct Events {
    channel: Channel,
    consumer: Consumer,
    batch: u16,
}

impl Events {
    /// Binds the queue and starts to consume it.
    pub(crate) async fn open(
        connection: &Connection,
        queue: &str,
        pulse: &Pulse,
        prefetch: u16,
    ) -> Result<Self, SessionError> {
        let channel = connection
            .create_channel()
            .await
            .map_err(at("opening a channel"))?;
        for key in [SUCCESS_BINDING, FLUSH_BINDING, pulse.key()] {
            bind(&channel, queue, REGISTRAR_EXCHANGE, key)
                .await
                .map_err(at("binding the queue"))?;
        }
        match consume(&channel, queue, prefetch).await {
            Ok(consumer) => Ok(Self {
                channel,
                consumer,
                batch: (prefetch / 2).clamp(1, MAX_BATCH),
            }),
            Err(error) => Err(consume_error(error, connection, queue).await),
        }
    }

    /// Applies deliveries until told to stop; then all that was applied is acknowledged.
    pub(crate) async fn run(
        &mut self,
        zone: &Zone,
        registrar: &Registrar,
        pulse: &Pulse,
        stop: &CancellationToken,
    ) -> Result<(), SessionError> {
        let mut log = LogLimit::new(LOG_PERIOD);
        let mut applied = Applied::default();
        loop {
            let next = match self.consumer.next().now_or_never() {
                Some(next) if !stop.is_cancelled() => next,
                _ => {
                    // No delivery is ready: time to acknowledge.
                    applied.acknowledge().await?;
                    match stop.run_until_cancelled(self.consumer.next()).await {
                        Some(next) => next,
                        None => return Ok(()),
                    }
                }
            };
            let delivery = next
                .ok_or(SessionError::ConsumerEnded)?
                .map_err(at("consuming"))?;
            pulse.on_delivery();
            if delivery.routing_key.as_str() != pulse.key() {
                deliver(&delivery, zone, registrar, &mut log);
            }
            applied.add(delivery);
            if applied.count >= self.batch {
                applied.acknowledge().await?;
            }
        }
    }

    /// Closes the channel.
    pub(crate) async fn close(self) -> lapin::Result<()> {
        self.channel.close(200, "stopping".into()).await
    }
}

/// The broker refuses access to a queue that another process consumes, and where permissions lack:
/// the number of consumers tells which.
async fn consume_error(error: lapin::Error, connection: &Connection, queue: &str) -> SessionError {
    if is_soft(&error, &AMQPSoftError::ACCESSREFUSED)
        && let Ok(inspected) = inspect(connection, queue).await
        && inspected.consumer_count() > 0
    {
        return SessionError::QueueInUse {
            queue: queue.to_owned(),
            error,
        };
    }
    at("consuming")(error)
}

/// Deliveries applied since the last acknowledgement.
#[derive(Default)]
struct Applied {
    count: u16,
    last: Option<Acker>,
}

impl Applied {
    fn add(&mut self, delivery: Delivery) {
        self.count += 1;
        self.last = Some(delivery.acker);
    }

    async fn acknowledge(&mut self) -> Result<(), SessionError> {
        self.count = 0;
        if let Some(last) = self.last.take() {
            // False means that the connection is gone: they all come again, and change nothing.
            last.ack(BasicAckOptions { multiple: true })
                .await
                .map_err(at("acknowledging"))?;
        }
        Ok(())
    }
}
