//! Checks that published messages still reach us, with a message of our own that goes all the way
//! round.
//!
//! A broker says nothing when the exchange is deleted and declared again: queue and consumer stay, and
//! no event ever comes again.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use kapi::{REGISTRAR_EXCHANGE, encode_segment};
use registrar::{Publication, PublishFailure};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{error::SessionError, publisher::Publisher};

/// How often a pulse is sent.
const PERIOD: Duration = Duration::from_secs(5);
/// After this many confirmed pulses in a row without any delivery, the consumer is dead.
const MAX_SILENT: u32 = 6;

/// The pulse of one connection.
pub(crate) struct Pulse {
    key: String,
    deliveries: AtomicU64,
}

impl Pulse {
    /// The pulse of a queue. No other queue takes it.
    pub(crate) fn of(queue: &str) -> Self {
        Self {
            key: format!("rollcall.pulse.{}", encode_segment(queue)),
            deliveries: AtomicU64::new(0),
        }
    }

    /// Its routing key, which the queue is bound to.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Notes that a message was delivered.
    pub(crate) fn on_delivery(&self) {
        self.deliveries.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends pulses until one is missing.
    pub(crate) async fn beat(&self, publisher: &Publisher) -> SessionError {
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
            match publisher.publish(&pulse).await {
                Ok(()) => silent += 1,
                Err(PublishFailure::Unroutable) => return SessionError::Unbound,
                // Publishers get this error themselves; consuming may go on.
                Err(error) => {
                    tracing::debug!(%error, "the pulse was not sent");
                    silent = 0;
                }
            }
            let deliveries = self.deliveries.load(Ordering::Relaxed);
            if deliveries != seen {
                (seen, silent) = (deliveries, 0);
            }
            if silent > MAX_SILENT {
                return SessionError::Silent;
            }
        }
    }
}
