//! The configuration: one TOML file, and `ROLLCALL_SECTION__KEY` variables before it.
//!
//! Every key is described in `docs/configuration.md` and `rollcall.example.toml`; a test holds
//! them to what is read here.

mod accounts;
mod amqp;
mod auth;
mod cache;
mod http;
mod log;
mod operate;
mod reader;
mod shutdown;
mod upkeep;
mod zones;

use std::path::{Path, PathBuf};

pub use accounts::Accounts;
pub use amqp::Amqp;
pub use auth::{Auth, AuthMode};
pub use cache::Cache;
pub use http::Http;
pub use log::{Log, LogFormat};
pub use operate::{Admin, Metrics};
use reader::Reader;
pub use shutdown::Shutdown;
pub use upkeep::{Directory, Notices, Reconcile, Recovery, Snapshot};
pub use zones::Zone;

const MIB: u64 = 1 << 20;

/// Narrows what a range has already bounded.
fn narrow<T: TryFrom<u64>>(number: u64, bound: T) -> T {
    T::try_from(number).unwrap_or(bound)
}

/// Everything that can be set.
#[derive(Debug)]
pub struct Config {
    /// The HTTP server.
    pub http: Http,
    /// Who may do what.
    pub auth: Auth,
    /// Accounts and their realms.
    pub accounts: Accounts,
    /// The table.
    pub cache: Cache,
    /// Connections to brokers.
    pub amqp: Amqp,
    /// The brokers, by zone.
    pub zones: Vec<Zone>,
    /// Learning what was missed.
    pub recovery: Recovery,
    /// Asking the proxies.
    pub reconcile: Reconcile,
    /// The table in a file.
    pub snapshot: Snapshot,
    /// Notices to the cluster.
    pub notices: Notices,
    /// Kazoo's directory.
    pub directory: Directory,
    /// Metrics without a token.
    pub metrics: Metrics,
    /// The operators' socket.
    pub admin: Admin,
    /// Logs.
    pub log: Log,
    /// The end.
    pub shutdown: Shutdown,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {path} is not TOML, at line {line}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong. Never the line itself: it may hold a password.
        message: String,
    },
    /// Settings that cannot be used.
    #[error("the configuration cannot be used:\n  {}", .0.join("\n  "))]
    Settings(Vec<String>),
}

impl Config {
    /// Reads the file, if any, and the environment; says all that is wrong with them at once.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let Some(path) = file else {
            return Self::from_table(toml::Table::new(), environment);
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text, environment)
    }

    /// The same of a file's text; the path is only named.
    pub fn parse(
        path: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Self::from_table(table(path, text)?, environment)
    }

    fn from_table(
        table: toml::Table,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(table, environment);
        let config = Self::read(&mut reader);
        let (_, problems) = reader.finish();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Settings(problems))
        }
    }

    fn read(reader: &mut Reader) -> Self {
        let http = Http::read(reader);
        let auth = Auth::read(reader, &http);
        let amqp = Amqp::read(reader);
        Self {
            auth,
            accounts: Accounts::read(reader),
            cache: Cache::read(reader),
            amqp,
            zones: Zone::read_all(reader),
            recovery: Recovery::read(reader),
            reconcile: Reconcile::read(reader),
            snapshot: Snapshot::read(reader),
            notices: Notices::read(reader),
            directory: Directory::read(reader),
            metrics: Metrics::read(reader),
            admin: Admin::read(reader),
            log: Log::read(reader),
            shutdown: Shutdown::read(reader),
            http,
        }
    }
}

fn table(path: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        ConfigError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            message: error.message().to_owned(),
        }
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;

#[cfg(test)]
mod reference_tests;
