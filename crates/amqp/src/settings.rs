//! What the connections go by.

use std::{fs, io, net::Ipv6Addr, path::PathBuf, time::Duration};

use lapin::uri::AMQPUri;
use registration::Zone;
use secrecy::{ExposeSecret as _, SecretString};

use crate::tls::TlsFiles;

/// A queue's name must leave room below the length at which Kamailio crashes on a Server-ID.
const MAX_QUEUE_NAME_BYTES: usize = 80;
/// The longest text that AMQP has a "short string" for.
const MAX_SHORT_STRING_BYTES: usize = 255;

/// A zone and its brokers.
#[derive(Clone, Debug)]
pub struct ZoneSettings {
    /// The zone.
    pub zone: Zone,
    /// Its brokers, tried in this order.
    pub uris: Vec<SecretString>,
    /// What else it takes to be let in.
    pub access: Access,
}

/// What it takes to be let in, beside the URI. The files are read for each connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// For `amqps://`.
    pub tls: TlsFiles,
    /// A file whose first line stands for the password in every URI.
    pub password_file: Option<PathBuf>,
}

impl Access {
    pub(crate) fn password(&self) -> io::Result<Option<SecretString>> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let read = fs::read_to_string(path)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        Ok(Some(read.lines().next().unwrap_or_default().into()))
    }
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
    /// Whether questions who is registered are answered.
    pub answer_queries: bool,
    /// Whether one node of each zone is to be found that sends notices.
    pub elect_notifier: bool,
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
    /// A file of the zone's that cannot be used.
    #[error("zone {zone}: {problem}")]
    File {
        /// The zone.
        zone: Zone,
        /// Which file, and what is wrong with it.
        problem: String,
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
    check_files(zone)?;
    let heartbeat = u16::try_from(heartbeat.as_secs()).unwrap_or(u16::MAX);
    let read = |(number, text): (usize, &SecretString)| {
        let mut uri = read_uri(text.expose_secret()).ok_or_else(|| SettingsError::Uri {
            zone: zone.zone.clone(),
            number,
        })?;
        uri.query.heartbeat.get_or_insert(heartbeat);
        Ok(uri)
    };
    (1..).zip(&zone.uris).map(read).collect()
}

/// Files that cannot be used are better told at the start than by a connection that never comes up.
fn check_files(zone: &ZoneSettings) -> Result<(), SettingsError> {
    let encrypted = |uri: &SecretString| uri.expose_secret().starts_with("amqps:");
    let tls = if zone.uris.iter().any(encrypted) {
        zone.access.tls.connector().map(drop)
    } else {
        Ok(())
    };
    let checked = tls.and_then(|()| zone.access.password().map(drop));
    checked.map_err(|error| SettingsError::File {
        zone: zone.zone.clone(),
        problem: error.to_string(),
    })
}

/// `None` rather than the parser's own words, which may repeat the URI, password and all.
fn read_uri(text: &str) -> Option<AMQPUri> {
    let mut uri: AMQPUri = text.parse().ok()?;
    if uri.vhost.len() > MAX_SHORT_STRING_BYTES {
        // lapin would panic.
        return None;
    }
    if let Some(address) = ipv6_host(text) {
        // The parser takes an address in brackets for no host at all, which is localhost to it.
        address.parse::<Ipv6Addr>().ok()?;
        address.clone_into(&mut uri.authority.host);
    }
    Some(uri)
}

/// What stands between the brackets of `amqp://user:password@[2001:db8::1]:5672/vhost`.
fn ipv6_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let (address, _) = host.strip_prefix('[')?.split_once(']')?;
    Some(address)
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
    let host = if authority.host.contains(':') {
        format!("[{}]", authority.host)
    } else {
        authority.host.clone()
    };
    format!(
        "{}://{}:***@{host}:{}/{}",
        uri.scheme, authority.userinfo.username, authority.port, uri.vhost
    )
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
