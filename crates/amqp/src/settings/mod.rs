//! Settings of the connections.

mod access;
mod uri;

use std::{io, time::Duration};

use lapin::uri::AMQPUri;
use registration::Zone;
use secrecy::{ExposeSecret as _, SecretString};

pub use access::{Access, IdentityFiles, TlsFiles};
pub(crate) use uri::redacted;

/// A queue's name must stay below the length of a Server-ID at which Kamailio crashes.
const MAX_QUEUE_NAME_BYTES: usize = 80;

/// A zone and its brokers.
#[derive(Clone, Debug)]
pub struct ZoneSettings {
    /// The zone.
    pub zone: Zone,
    /// Its brokers, tried in this order.
    pub uris: Vec<SecretString>,
    /// Credentials beside the URIs.
    pub access: Access,
}

/// Settings of all zones' connections.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of this node, `rollcall@host`; queues are named after it.
    pub node: String,
    /// The most deliveries that may be unacknowledged.
    pub prefetch: u16,
    /// The interval of heartbeats.
    pub heartbeat: Duration,
    /// The time limit for opening a connection.
    pub connect_timeout: Duration,
    /// The time limit for a publication to be confirmed.
    pub publish_timeout: Duration,
    /// The shortest wait before the next attempt to connect.
    pub reconnect_min: Duration,
    /// The longest wait before the next attempt to connect.
    pub reconnect_max: Duration,
    /// How long the queue outlives its consumer.
    pub queue_expires: Duration,
    /// The most messages that the queue keeps; the oldest are dropped first.
    pub queue_max_length: u32,
    /// Whether to answer questions who is registered.
    pub answer_queries: bool,
    /// Whether to elect one node of each zone to send notices.
    pub elect_notifier: bool,
}

impl Settings {
    /// Name of the node's queue on the exchange `registrar`.
    pub(crate) fn queue(&self) -> Result<String, SettingsError> {
        let name = format!("rollcall-registrar-{}", self.node);
        if name.len() > MAX_QUEUE_NAME_BYTES {
            Err(SettingsError::QueueName(name))
        } else {
            Ok(name)
        }
    }
}

/// Why the settings cannot be used. Never holds a URI, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not a URI of a broker.
    #[error(
        "zone {zone}: URI number {number} cannot be read: it takes \
         amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps://"
    )]
    Uri {
        /// The zone.
        zone: Zone,
        /// Which of its URIs, from 1.
        number: usize,
    },
    /// A file of the zone's that cannot be used.
    #[error("zone {zone}: {error}")]
    File {
        /// The zone.
        zone: Zone,
        /// The file, and what is wrong with it.
        error: io::Error,
    },
    /// A zone without a broker.
    #[error("zone {0} has no URI")]
    NoUri(Zone),
    /// A node name that makes queue names too long.
    #[error(
        "the queue name {0:?} is longer than {MAX_QUEUE_NAME_BYTES} bytes: set a shorter node name"
    )]
    QueueName(String),
}

impl ZoneSettings {
    /// Parses the URIs, and adds our heartbeat to those that name none.
    pub(crate) fn parse_uris(&self, heartbeat: Duration) -> Result<Vec<AMQPUri>, SettingsError> {
        if self.uris.is_empty() {
            return Err(SettingsError::NoUri(self.zone.clone()));
        }
        let heartbeat = u16::try_from(heartbeat.as_secs()).unwrap_or(u16::MAX);
        let parse = |(number, text): (usize, &SecretString)| {
            let zone = || self.zone.clone();
            let mut uri = uri::parse(text.expose_secret()).ok_or_else(|| SettingsError::Uri {
                zone: zone(),
                number,
            })?;
            uri.query.heartbeat.get_or_insert(heartbeat);
            Ok(uri)
        };
        (1..).zip(&self.uris).map(parse).collect()
    }

    /// Checks the files: an error at the start is clearer than a connection that never comes up.
    pub(crate) fn check_files(&self) -> Result<(), SettingsError> {
        let is_encrypted = |uri: &SecretString| uri.expose_secret().starts_with("amqps:");
        let tls = if self.uris.iter().any(is_encrypted) {
            self.access.tls.connector().map(drop)
        } else {
            Ok(())
        };
        tls.and_then(|()| self.access.password().map(drop))
            .map_err(|error| SettingsError::File {
                zone: self.zone.clone(),
                error,
            })
    }
}

#[cfg(test)]
mod tests;
