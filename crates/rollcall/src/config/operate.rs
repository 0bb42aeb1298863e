//! `[metrics]`, `[admin]`, `[log]`: what operators watch and use.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::reader::Reader;

/// `[metrics]`
#[derive(Debug)]
pub struct Metrics {
    /// Where metrics are served without a token; `None` for nowhere.
    pub listen: Option<SocketAddr>,
}

impl Metrics {
    pub(super) fn read(r: &mut Reader) -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let bind = r.parsed("metrics.bind", "an IP address", loopback, |text| {
            text.parse().ok()
        });
        let port = r.number("metrics.port", "", 0..=65_535, 0);
        Self {
            listen: (port != 0).then(|| SocketAddr::new(bind, port)),
        }
    }
}

/// `[admin]`
#[derive(Debug)]
pub struct Admin {
    /// The Unix socket that takes orders without a token; `None` for none.
    pub socket: Option<PathBuf>,
    /// Its file mode: who may open it may order.
    pub mode: u32,
}

/// The socket is never open to every user.
const MAX_MODE: u32 = 0o770;

impl Admin {
    pub(super) fn read(r: &mut Reader) -> Self {
        let takes = "an octal file mode up to \"0770\", as text";
        let mode = r.optional("admin.mode", takes, "0660", |text| {
            let mode = u32::from_str_radix(text, 8).ok();
            mode.filter(|mode| mode & !MAX_MODE == 0)
        });
        Self {
            socket: r.path("admin.socket"),
            mode: mode.unwrap_or(0o660),
        }
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
    /// What is logged.
    pub level: Targets,
    /// How.
    pub format: LogFormat,
}

const LEVELS: &str =
    "a level (error, warn, info, debug, trace) or directives like \"info,amqp=debug\"";
const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

impl Log {
    pub(super) fn read(r: &mut Reader) -> Self {
        let Self { level, format } = Self::default();
        Self {
            level: r.parsed("log.level", LEVELS, level, filter),
            format: r.choice("log.format", &FORMATS, format),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: Targets::new().with_default(LevelFilter::INFO),
            format: LogFormat::Text,
        }
    }
}

/// A directive string. tracing takes a bare word that is no level for a target's name, so a mistyped
/// level would turn off all logs.
fn filter(text: &str) -> Option<Targets> {
    let is_word = |part: &str| !part.contains(['=', '[']);
    let is_level = |part: &str| part.trim().parse::<LevelFilter>().is_ok();
    let sound = text.split(',').all(|part| !is_word(part) || is_level(part));
    text.parse().ok().filter(|_| sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_level_is_refused() {
        for good in ["info", "WARN", "off", "info,amqp=debug"] {
            assert!(filter(good).is_some(), "{good}");
        }
        for bad in ["inof", "info,debgu", "loud=very", "amqp"] {
            assert!(filter(bad).is_none(), "{bad}");
        }
    }
}
