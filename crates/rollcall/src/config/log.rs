//! `[log]`: what is logged, and how.

use tracing_subscriber::EnvFilter;

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
    /// What is logged, as tracing's directives say it.
    pub level: String,
    /// How.
    pub format: LogFormat,
}

const LEVELS: &str =
    "a level (error, warn, info, debug, trace) or directives like \"info,amqp=debug\"";

impl Log {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            level: r.parsed("log.level", LEVELS, "info".to_owned(), filter),
            format: r.choice(
                "log.format",
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
                LogFormat::Text,
            ),
        }
    }
}

/// A directive string. A bare word that is no level would be a target's name to tracing, so that a
/// mistyped level turned off all logs.
fn filter(text: &str) -> Option<String> {
    let is_word = |part: &str| !part.contains(['=', '[']);
    let is_level = |part: &str| {
        part.trim()
            .parse::<tracing::level_filters::LevelFilter>()
            .is_ok()
    };
    let sound = text.split(',').all(|part| !is_word(part) || is_level(part));
    (sound && EnvFilter::try_new(text).is_ok()).then(|| text.to_owned())
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
