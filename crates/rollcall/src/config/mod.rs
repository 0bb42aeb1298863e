//! The configuration: one TOML file, and `ROLLCALL_SECTION__KEY` variables before it.
//!
//! Every key is described in `docs/configuration.md` and `rollcall.example.toml`; a test holds
//! them to what is read here.

mod amqp;
mod auth;
mod cache;
mod http;
mod operate;
mod reader;
mod upkeep;
mod zones;

use std::path::{Path, PathBuf};

use ::amqp::ZoneSettings;
use registrar::{ReconcileSettings, RecoverySettings};

pub use amqp::Amqp;
pub use auth::{Auth, AuthMode};
pub use cache::{Accounts, Cache};
pub use http::Http;
pub use operate::{Admin, Log, LogFormat, Metrics};
use reader::Reader;
pub use upkeep::{Directory, Notices, Snapshot};

/// Everything that can be set.
#[derive(Debug)]
pub struct Config {
    /// The HTTP server.
    pub http: Http,
    /// Who may do what.
    pub auth: Auth,
    /// Accounts and their realms.
    pub accounts: Accounts,
    /// The registrations.
    pub cache: Cache,
    /// Connections to brokers.
    pub amqp: Amqp,
    /// The brokers, by zone.
    pub zones: Vec<ZoneSettings>,
    /// Learning what was missed.
    pub recovery: RecoverySettings,
    /// Asking the proxies; `None` for never.
    pub reconcile: Option<ReconcileSettings>,
    /// The registrations in a file.
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

    /// Like [`Config::load`], of a file's text; the path is only named.
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

    fn read(r: &mut Reader) -> Self {
        let http = Http::read(r);
        let mut config = Self {
            auth: Auth::read(r, &http),
            http,
            amqp: Amqp::read(r),
            accounts: Accounts::read(r),
            cache: Cache::read(r),
            zones: zones::read_all(r),
            recovery: upkeep::recovery(r),
            reconcile: upkeep::reconcile(r),
            snapshot: Snapshot::read(r),
            notices: Notices::read(r),
            directory: Directory::read(r),
            metrics: Metrics::read(r),
            admin: Admin::read(r),
            log: Log::read(r),
        };
        config.http.server.drain_timeout = r.seconds("shutdown.drain_timeout", 0..=600, 20);
        config.amqp.settings.elect_notifier = config.notices.told.any();
        config
    }
}

/// The environment as far as it is text; what is not cannot be a setting.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
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
