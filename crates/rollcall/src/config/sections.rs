//! The sections, each with its keys, ranges and defaults.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};

use super::reader::Reader;

const MIB: u64 = 1 << 20;

/// Narrows what a range has already bounded.
fn narrow<T: TryFrom<u64>>(number: u64, bound: T) -> T {
    T::try_from(number).unwrap_or(bound)
}

/// `[http]`
#[derive(Debug)]
pub struct Http {
    /// Address to listen on.
    pub bind: IpAddr,
    /// Port to listen on; 0 takes any that is free.
    pub port: u16,
    /// Worker threads.
    pub workers: usize,
    /// The most bytes a request's body may have.
    pub max_body_bytes: usize,
    /// How long a client may take to send its headers.
    pub request_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// The most connections at once, per worker.
    pub max_connections: usize,
}

impl Http {
    pub(super) fn read(r: &mut Reader) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let bind = r.parsed("http.bind", "an IP address", |text| text.parse().ok());
        Self {
            bind: bind.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            port: narrow(
                r.number("http.port", "a TCP port", 0..=65_535, 8000),
                u16::MAX,
            ),
            workers: narrow(
                r.number("http.workers", "threads", 1..=256, cores.min(256) as u64),
                256,
            ),
            max_body_bytes: narrow(
                r.number("http.max_body_bytes", "bytes", 1..=16 * MIB, 65_536),
                usize::MAX,
            ),
            request_timeout: Duration::from_secs(r.number(
                "http.request_timeout",
                "seconds",
                1..=300,
                10,
            )),
            keep_alive: Duration::from_secs(r.number("http.keep_alive", "seconds", 0..=3600, 75)),
            max_connections: narrow(
                r.number("http.max_connections", "connections", 1..=1_000_000, 25_000),
                usize::MAX,
            ),
        }
    }
}

/// `auth.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Tokens from a file of hashes.
    Static,
    /// No tokens.
    None,
}

/// `[auth]`
#[derive(Debug)]
pub struct Auth {
    /// How callers are told apart.
    pub mode: AuthMode,
    /// File of token hashes.
    pub tokens_file: Option<PathBuf>,
    /// Whether answers repeat the caller's token.
    pub echo_token: bool,
}

impl Auth {
    pub(super) fn read(r: &mut Reader, http: &Http) -> Self {
        let mode = r.parsed("auth.mode", "\"static\" or \"none\"", |text| match text {
            "static" => Some(AuthMode::Static),
            "none" => Some(AuthMode::None),
            _ => None,
        });
        let auth = Self {
            mode: mode.unwrap_or(AuthMode::Static),
            tokens_file: r.parsed("auth.tokens_file", "a path", |text| Some(text.into())),
            echo_token: r.flag("auth.echo_token", true),
        };
        let beyond_loopback = r.flag("auth.allow_none_beyond_loopback", false);
        if auth.mode == AuthMode::Static && auth.tokens_file.is_none() {
            r.problem(
                "auth.mode = \"static\": auth.tokens_file must name the file of token hashes"
                    .into(),
            );
        }
        if auth.mode == AuthMode::None && !http.bind.is_loopback() && !beyond_loopback {
            r.problem(format!(
                "auth.mode = \"none\" with http.bind = \"{}\": anyone who reaches this address could flush every \
                 phone; set http.bind = \"127.0.0.1\", or auth.allow_none_beyond_loopback = true",
                http.bind
            ));
        }
        auth
    }
}

/// `[accounts]`
#[derive(Debug)]
pub struct Accounts {
    /// File that maps accounts to realms.
    pub realms_file: Option<PathBuf>,
}

impl Accounts {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            realms_file: r.parsed("accounts.realms_file", "a path", |text| Some(text.into())),
        }
    }
}

/// `[cache]`
#[derive(Debug)]
pub struct Cache {
    /// Seconds added to every registration's lifetime.
    pub expires_deviation: u32,
    /// To-Host and From-Host of events that have none.
    pub default_realm: String,
}

impl Cache {
    pub(super) fn read(r: &mut Reader) -> Self {
        let realm = r.parsed("cache.default_realm", "a realm", |text| {
            Some(text.to_owned())
        });
        Self {
            expires_deviation: narrow(
                r.number("cache.expires_deviation", "seconds", 0..=86_400, 180),
                u32::MAX,
            ),
            default_realm: realm.unwrap_or_else(|| "nodomain.com".into()),
        }
    }
}

/// `[amqp]`
#[derive(Debug)]
pub struct Amqp {
    /// Name of this node, shown to other nodes and in answers.
    pub node: String,
    /// How many deliveries may be unacknowledged.
    pub prefetch: u16,
    /// Heartbeat of connections.
    pub heartbeat: Duration,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long a flush may take to be confirmed.
    pub publish_timeout: Duration,
    /// Shortest wait before the next attempt to connect.
    pub reconnect_min: Duration,
    /// Longest wait before the next attempt to connect.
    pub reconnect_max: Duration,
    /// The most bytes a message's body may have.
    pub max_message_bytes: usize,
    /// How long the queue outlives this process.
    pub queue_expires: Duration,
    /// How many messages the queue keeps meanwhile.
    pub queue_max_length: u32,
}

/// Leaves room for the instance's part of a Server-ID and for queue names.
const MAX_NODE_BYTES: usize = 60;

impl Amqp {
    pub(super) fn read(r: &mut Reader) -> Self {
        let node = r.parsed(
            "amqp.node",
            "1 to 60 printable ASCII characters without spaces",
            valid_node,
        );
        let seconds = |r: &mut Reader, key, max, default| {
            Duration::from_secs(r.number(key, "seconds", 1..=max, default))
        };
        let reconnect_min =
            Duration::from_millis(r.number("amqp.reconnect_min", "milliseconds", 10..=60_000, 200));
        let reconnect_max = Duration::from_millis(r.number(
            "amqp.reconnect_max",
            "milliseconds",
            10..=600_000,
            10_000,
        ));
        if reconnect_max < reconnect_min {
            r.problem("amqp.reconnect_max is less than amqp.reconnect_min".into());
        }
        Self {
            node: node.unwrap_or_else(default_node),
            prefetch: narrow(
                r.number("amqp.prefetch", "messages", 1..=65_535, 2_000),
                u16::MAX,
            ),
            heartbeat: seconds(r, "amqp.heartbeat", 600, 10),
            connect_timeout: seconds(r, "amqp.connect_timeout", 120, 10),
            publish_timeout: seconds(r, "amqp.publish_timeout", 120, 5),
            reconnect_min,
            reconnect_max,
            max_message_bytes: narrow(
                r.number("amqp.max_message_bytes", "bytes", 1024..=16 * MIB, 262_144),
                usize::MAX,
            ),
            queue_expires: seconds(r, "amqp.queue_expires", 86_400, 300),
            queue_max_length: narrow(
                r.number(
                    "amqp.queue_max_length",
                    "messages",
                    1_000..=100_000_000,
                    1_000_000,
                ),
                u32::MAX,
            ),
        }
    }
}

fn valid_node(text: &str) -> Option<String> {
    let fits = text.len() <= MAX_NODE_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// `rollcall@` and the host's name; its first label alone where the whole is too long.
fn default_node() -> String {
    let host = hostname::get()
        .ok()
        .and_then(|host| host.into_string().ok())
        .unwrap_or_default();
    let label = host.split('.').next().unwrap_or_default().to_owned();
    let names = [host, label].into_iter().filter(|name| !name.is_empty());
    names
        .map(|name| format!("rollcall@{name}"))
        .find_map(|node| valid_node(&node))
        .unwrap_or_else(|| "rollcall@localhost".into())
}

/// `[zones.NAME]`
#[derive(Debug)]
pub struct Zone {
    /// The zone's name.
    pub name: String,
    /// URIs of its brokers, with their passwords.
    pub uris: Vec<SecretString>,
}

impl Zone {
    pub(super) fn read_all(r: &mut Reader) -> Vec<Self> {
        let names = r.tables("zones");
        if names.is_empty() {
            return vec![Self {
                name: "local".into(),
                uris: vec!["amqp://guest:guest@127.0.0.1:5672".into()],
            }];
        }
        names.into_iter().map(|name| Self::read(r, name)).collect()
    }

    fn read(r: &mut Reader, name: String) -> Self {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.len() > 32 || !name.bytes().all(is_name) {
            r.problem(format!(
                "zones.{name}: a zone's name takes 1 to 32 of A-Z a-z 0-9 - _"
            ));
        }
        let key = format!("zones.{name}.uris");
        let takes = "a list of amqp:// or amqps:// URIs";
        let uris: Vec<SecretString> = r.secrets(&key, takes).into_iter().map(Into::into).collect();
        let is_amqp = |uri: &SecretString| {
            let uri = uri.expose_secret();
            uri.starts_with("amqp://") || uri.starts_with("amqps://")
        };
        if uris.is_empty() || !uris.iter().all(is_amqp) {
            r.problem(format!("{key}: takes {takes}, at least one"));
        }
        Self { name, uris }
    }
}

/// `log.format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// `[log]`
#[derive(Debug)]
pub struct Log {
    /// What is logged, as tracing's directives say it.
    pub level: String,
    /// How.
    pub format: LogFormat,
}

impl Log {
    pub(super) fn read(r: &mut Reader) -> Self {
        let is_filter = |text: &str| {
            tracing_subscriber::EnvFilter::try_new(text)
                .is_ok()
                .then(|| text.to_owned())
        };
        let takes =
            "a level (error, warn, info, debug, trace) or directives like \"info,amqp=debug\"";
        let level = r.parsed("log.level", takes, is_filter);
        let format = r.parsed("log.format", "\"text\" or \"json\"", |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        Self {
            level: level.unwrap_or_else(|| "info".into()),
            format: format.unwrap_or(LogFormat::Text),
        }
    }
}

/// `[shutdown]`
#[derive(Debug)]
pub struct Shutdown {
    /// How long running requests and deliveries may take to finish.
    pub drain_timeout: Duration,
}

impl Shutdown {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            drain_timeout: Duration::from_secs(r.number(
                "shutdown.drain_timeout",
                "seconds",
                0..=600,
                20,
            )),
        }
    }
}
