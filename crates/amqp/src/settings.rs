//! What the connections go by.

use std::time::Duration;

use lapin::uri::AMQPUri;
use registration::Zone;
use secrecy::{ExposeSecret as _, SecretString};

/// A queue's name must leave room below the length at which Kamailio crashes on a Server-ID.
const MAX_QUEUE_NAME_BYTES: usize = 80;

/// A zone and its brokers.
#[derive(Clone, Debug)]
pub struct ZoneSettings {
    /// The zone.
    pub zone: Zone,
    /// Its brokers, tried in this order.
    pub uris: Vec<SecretString>,
}

/// Settings of all zones' connections.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of this node, `rollcall@host`; queues are named after it.
    pub node: String,
    /// How many deliveries may be unacknowledged.
    pub prefetch: u16,
    /// How often a heartbeat is asked for.
    pub heartbeat: Duration,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long a publication may take to be confirmed.
    pub publish_timeout: Duration,
    /// Shortest wait before the next attempt to connect.
    pub reconnect_min: Duration,
    /// Longest wait before the next attempt to connect.
    pub reconnect_max: Duration,
    /// How long the queue outlives its consumer.
    pub queue_expires: Duration,
    /// How many messages the queue keeps while nobody consumes; the oldest go first.
    pub queue_max_length: u32,
}

/// Why the settings cannot be used. Never holds a URI: those hold passwords.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A URI that is none.
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
    /// A zone that nobody can connect to.
    #[error("zone {0} has no URI")]
    NoUri(Zone),
    /// A node name that makes queue names too long.
    #[error(
        "the queue name {0:?} is longer than {MAX_QUEUE_NAME_BYTES} bytes: set a shorter node name"
    )]
    QueueName(String),
}

/// Reads a zone's URIs, with our heartbeat in those that name none.
pub(crate) fn read_uris(
    zone: &ZoneSettings,
    heartbeat: Duration,
) -> Result<Vec<AMQPUri>, SettingsError> {
    if zone.uris.is_empty() {
        return Err(SettingsError::NoUri(zone.zone.clone()));
    }
    let heartbeat = u16::try_from(heartbeat.as_secs()).unwrap_or(u16::MAX);
    let read = |(number, uri): (usize, &SecretString)| {
        let mut uri: AMQPUri = uri
            .expose_secret()
            .parse()
            // The parser's own words may repeat the URI, password and all.
            .map_err(|_: String| SettingsError::Uri {
                zone: zone.zone.clone(),
                number,
            })?;
        uri.query.heartbeat.get_or_insert(heartbeat);
        Ok(uri)
    };
    (1..).zip(&zone.uris).map(read).collect()
}

impl Settings {
    /// Name of the node's queue on the registrar exchange.
    pub(crate) fn queue(&self) -> Result<String, SettingsError> {
        let name = format!("rollcall-registrar-{}", self.node);
        if name.len() > MAX_QUEUE_NAME_BYTES {
            Err(SettingsError::QueueName(name))
        } else {
            Ok(name)
        }
    }
}

/// A URI fit for logs: without its password and query.
pub fn redacted(uri: &AMQPUri) -> String {
    let authority = &uri.authority;
    format!(
        "{}://{}:***@{}:{}/{}",
        uri.scheme, authority.userinfo.username, authority.host, authority.port, uri.vhost
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str) -> Result<AMQPUri, SettingsError> {
        let zone = ZoneSettings {
            zone: Zone::new("a"),
            uris: vec![uri.into()],
        };
        read_uris(&zone, Duration::from_secs(10)).map(|mut uris| uris.remove(0))
    }

    #[test]
    fn a_password_never_shows() {
        let settings = ZoneSettings {
            zone: Zone::new("a"),
            uris: vec!["amqp://u:hunter2@h".into()],
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
        let uri = read("amqps://u:hunter2@h:5671/vh?heartbeat=3").unwrap();
        assert_eq!(redacted(&uri), "amqps://u:***@h:5671/vh");
        assert_eq!(uri.query.heartbeat, Some(3));
        for bad in [
            "http://u:hunter2@h",
            "u:hunter2@h",
            "amqp://u:hunter2@h:port",
            "",
        ] {
            let error = read(bad).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_heartbeat_goes_into_the_uri() {
        assert_eq!(read("amqp://localhost").unwrap().query.heartbeat, Some(10));
    }

    #[test]
    fn a_queue_name_that_is_too_long_is_refused() {
        let settings = |node: String| Settings {
            node,
            prefetch: 1,
            heartbeat: Duration::ZERO,
            connect_timeout: Duration::ZERO,
            publish_timeout: Duration::ZERO,
            reconnect_min: Duration::ZERO,
            reconnect_max: Duration::ZERO,
            queue_expires: Duration::ZERO,
            queue_max_length: 1,
        };
        assert_eq!(
            settings("rollcall@host".into()).queue().unwrap(),
            "rollcall-registrar-rollcall@host"
        );
        assert!(settings("x".repeat(62)).queue().is_err());
    }
}
