//! Whether what is published still reaches us: a message of our own goes all the way round.
//!
//! A broker says nothing when somebody deletes the exchange and declares it anew: the queue stays,
//! the consumer stays, and no event ever comes again.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use kapi::{REGISTRAR_EXCHANGE, encode_segment};
use registrar::Publication;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::publisher::{PublishError, Publisher};

/// How often one is sent.
const PERIOD: Duration = Duration::from_secs(5);
/// So many confirmed pulses in a row, and nothing delivered at all: the consumer is dead.
const MAX_SILENT: u32 = 6;

/// A connection's own pulse.
pub(crate) struct Pulse {
    key: String,
    delivered: AtomicU64,
}

impl Pulse {
    /// That of a queue. No other queue takes it.
    pub(crate) fn of(queue: &str) -> Self {
        Self {
            key: format!("rollcall.pulse.{}", encode_segment(queue)),
            delivered: AtomicU64::new(0),
        }
    }

    /// What the queue is bound by to have it.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Something was delivered.
    pub(crate) fn felt(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Beats until there is something wrong, and says what.
    pub(crate) async fn beat(&self, publisher: &Publisher, limit: Duration) -> String {
        let pulse = Publication {
            zone: None,
            exchange: REGISTRAR_EXCHANGE,
            routing_key: self.key.clone(),
            body: b"{}".to_vec(),
            mandatory: true,
        };
        let mut ticks = interval_at(Instant::now() + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut seen, mut silent) = (0, 0);
        loop {
            ticks.tick().await;
            match publisher.publish(&pulse, limit).await {
                Ok(()) => silent += 1,
                Err(PublishError::Unroutable) => {
                    return "its queue's bindings are gone (was the exchange registrar deleted?)"
                        .into();
                }
                // Of publishing; who publishes is told. Consuming may go on.
                Err(PublishError::Failed(error)) => {
                    tracing::debug!(error, "the pulse was not sent");
                    silent = 0;
                }
            }
            let delivered = self.delivered.load(Ordering::Relaxed);
            if delivered != seen {
                (seen, silent) = (delivered, 0);
            }
            if silent > MAX_SILENT {
                return "the broker confirms what is published but delivers nothing".into();
            }
        }
    }
}
