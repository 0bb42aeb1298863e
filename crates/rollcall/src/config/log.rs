//! `[log]`: what is logged, and how.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::reader::Reader;

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

impl Log {
    pub(super) fn read(r: &mut Reader) -> Self {
        let Self { level, format } = Self::default();
        Self {
            level: r.parsed("log.level", LEVELS, level, filter),
            format: r.choice(
                "log.format",
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
                format,
            ),
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

/// A directive string. A bare word that is no level would be a target's name to tracing, so that a
/// mistyped level turned off all logs.
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
