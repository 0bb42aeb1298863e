//! Logs, and traces where they are built in.

#[cfg(feature = "otlp")]
mod traces;

use anyhow::Context as _;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer as _,
    filter::{FilterExt as _, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::config::{Log, LogFormat};

/// Keeps traces flowing until it is dropped.
#[derive(Debug)]
pub struct Guard {
    #[cfg(feature = "otlp")]
    _traces: traces::Traces,
}

/// Sends logs to standard error, as text or JSON.
pub fn init(log: &Log) -> anyhow::Result<Guard> {
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = match log.format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let logs = layer.with_filter(log.level.clone().and(filter_fn(holds_no_secret)));
    #[cfg(feature = "otlp")]
    let (listener, traces) = traces::start()?;
    #[cfg(feature = "otlp")]
    let registry = tracing_subscriber::registry().with(listener);
    #[cfg(not(feature = "otlp"))]
    let registry = tracing_subscriber::registry();
    registry
        .with(logs)
        .try_init()
        .context("logs are set up already")?;
    Ok(Guard {
        #[cfg(feature = "otlp")]
        _traces: traces,
    })
}

/// At the finest level lapin logs every frame that it sends, and the one that logs in holds the
/// password.
fn holds_no_secret(event: &Metadata<'_>) -> bool {
    !(event.target().starts_with("lapin") && *event.level() == Level::TRACE)
}
