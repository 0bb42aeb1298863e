//! The port through which messages leave. Adapters: RabbitMQ, and the demo's in-process bus.

use std::{future::Future, pin::Pin, time::Duration};

use registration::Zone;

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The zone whose broker is to have it; `None` for every zone's.
    pub zone: Option<Zone>,
    /// Exchange it goes to.
    pub exchange: &'static str,
    /// Its routing key.
    pub routing_key: String,
    /// A JSON object. (An array would crash Kamailio.)
    pub body: Vec<u8>,
    /// It counts as taken only if some queue takes it.
    pub mandatory: bool,
}

impl Publication {
    /// A message for these zones that counts as taken even if no queue takes it.
    pub(crate) fn new(
        zone: Option<&Zone>,
        exchange: &'static str,
        routing_key: impl Into<String>,
        body: Vec<u8>,
    ) -> Self {
        Self {
            zone: zone.cloned(),
            exchange,
            routing_key: routing_key.into(),
            body,
            mandatory: false,
        }
    }
}

/// Which zones took a publication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Zones whose broker confirmed it.
    pub confirmed: Vec<Zone>,
    /// Zones whose broker did not, and why.
    pub missing: Vec<(Zone, PublishFailure)>,
}

/// Why a zone's broker did not take a publication.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishFailure {
    /// There is no zone of this name.
    #[error("there is no such zone")]
    UnknownZone,
    /// The first connection is not up yet.
    #[error("not connected to RabbitMQ yet")]
    Connecting,
    /// The connection is down.
    #[error("not connected to RabbitMQ ({0})")]
    Down(String),
    /// The broker has a memory or disk alarm.
    #[error("the broker takes no messages now (memory or disk alarm)")]
    Blocked,
    /// The routing key does not fit in a message.
    #[error("the routing key is too long")]
    RoutingKeyTooLong,
    /// The broker took it, but no queue is bound for it.
    #[error("no queue takes it: is anybody bound to the exchange?")]
    Unroutable,
    /// The broker refused it.
    #[error("the broker refused it (nack)")]
    Refused,
    /// The broker did not confirm it in time.
    #[error("no confirm within {} s", .0.as_secs_f32())]
    Unconfirmed(Duration),
    /// The connection or channel failed, with the adapter's error.
    #[error("{0}")]
    Failed(String),
}

/// What [`Bus::publish`] returns.
pub type BusFuture<'a> = Pin<Box<dyn Future<Output = Receipt> + Send + 'a>>;

/// A way to the brokers of all zones.
pub trait Bus: Send + Sync + 'static {
    /// Whether this node is the one of the zone's that sends notices.
    fn leads(&self, zone: &Zone) -> bool {
        let _ = zone;
        true
    }

    /// Hands `publication` to its zones and waits until each broker has confirmed it, or has failed
    /// to within the adapter's time limit. A zone that there is not is missing.
    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a>;
}
