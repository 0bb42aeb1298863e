//! Logs.

use anyhow::Context as _;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::config::{Log, LogFormat};

/// Sends logs to standard error, as text or JSON.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level).context("log.level cannot be used")?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr);
    let safe = filter_fn(holds_no_secret);
    match log.format {
        LogFormat::Text => registry
            .with(layer.with_ansi(false).with_filter(safe))
            .try_init(),
        LogFormat::Json => registry
            .with(layer.json().flatten_event(true).with_filter(safe))
            .try_init(),
    }
    .context("logs are set up already")
}

/// At the finest level lapin logs every frame that it sends, and the one that logs in holds the
/// password.
fn holds_no_secret(event: &Metadata<'_>) -> bool {
    !(event.target().starts_with("lapin") && *event.level() == Level::TRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_that_is_none_is_refused_by_name() {
        let log = Log {
            level: "loud=very".into(),
            format: LogFormat::Text,
        };
        let error = format!("{:#}", init(&log).unwrap_err());
        assert!(error.contains("log.level"), "{error}");
    }
}
