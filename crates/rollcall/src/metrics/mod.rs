//! What is measured, put together: one registry, handed down to whoever serves it.
//!
//! The registrar counts in Prometheus' own types; what can be looked up is read when it is scraped.
//! Label values are names of the code's or of the configuration's, never of messages or requests.

mod broker;
mod process;
mod registrar;

use std::sync::Arc;

use ::registrar::Registrar;
use amqp::AmqpBus;
use facade::{Metrics, auth::CacheCounts};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge, info::Info},
    registry::Registry,
};
use registration::Clock;

use broker::Broker;
use process::Process;
use registrar::Table;

/// What there is to read.
pub struct Sources {
    /// The service.
    pub registrar: Arc<Registrar>,
    /// The brokers' connections; `None` where there are none.
    pub bus: Option<Arc<AmqpBus>>,
    /// How often tokens and keys were remembered.
    pub auth: CacheCounts,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// This node.
    pub node: String,
}

/// Everything that is measured.
pub fn metrics(sources: Sources) -> Metrics {
    let mut registry = Registry::default();
    let build = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("node", sources.node),
    ];
    registry.register(
        "rollcall_build",
        "The program and the node it runs as",
        Info::new(build),
    );
    sources.registrar.metrics().register(&mut registry);
    registry.register_collector(Box::new(Table(Arc::clone(&sources.registrar))));
    registry.register_collector(Box::new(Broker {
        registrar: sources.registrar,
        bus: sources.bus,
    }));
    registry.register_collector(Box::new(Process::new(&*sources.clock)));
    registry.register_collector(Box::new(Auth(sources.auth)));
    Metrics::new(registry)
}

#[derive(Debug)]
struct Auth(CacheCounts);

impl Collector for Auth {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let values = [("hit", self.0.hits()), ("miss", self.0.misses())];
        counters(
            &mut encoder,
            "rollcall_auth_cache",
            "Look-ups of tokens and keys, by whether the answer was remembered",
            values.map(|(result, count)| ([("result", result)], count)),
        )
    }
}

fn counters<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, u64)>,
) -> std::fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, i64)>,
) -> std::fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: i64,
) -> std::fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// No machine has as much of anything as would not fit.
fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
