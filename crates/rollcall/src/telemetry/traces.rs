//! Traces for OpenTelemetry (cargo feature `otlp`): from a delivery to the table, from a request to
//! the brokers' confirms of a flush.
//!
//! Where they go, and how many of them, is set by OpenTelemetry's own variables:
//! `OTEL_EXPORTER_OTLP_ENDPOINT`, without which nothing is traced, and `OTEL_TRACES_SAMPLER`.

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::Level;
use tracing_subscriber::{Layer, Registry, filter::Targets};

const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];
const NAME: &str = "rollcall";

/// Sends what is left when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Traces(Option<SdkTracerProvider>);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// What listens for spans, if they are to go anywhere.
pub(super) type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// The layer, if there is an endpoint.
pub(super) fn start() -> anyhow::Result<(Option<Listener>, Traces)> {
    if ENDPOINTS
        .iter()
        .all(|name| std::env::var_os(name).is_none())
    {
        return Ok((None, Traces::default()));
    }
    let exporter = SpanExporter::builder().with_http().build();
    let exporter = exporter.context("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used")?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(NAME).build())
        .build();
    // Spans of ours; those of the HTTP client that sends them would never end.
    let ours = Targets::new()
        .with_target("facade", Level::INFO)
        .with_target("amqp", Level::DEBUG)
        .with_target("registrar", Level::DEBUG);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer(NAME));
    Ok((
        Some(layer.with_filter(ours).boxed()),
        Traces(Some(provider)),
    ))
}
