//! All metrics in one registry, handed down to the servers that show them.
//!
//! The registrar counts in Prometheus' own types; what can be looked up is read when it is scraped.
//! Label values are names of the code's or of the configuration's, never of messages or requests.

mod broker;
mod encode;
mod process;
mod registrar;

use std::sync::Arc;

use ::registrar::Registrar;
use amqp::AmqpBus;
use facade::{Metrics, auth::CacheCounts};
use prometheus_client::{
    collector::Collector, encoding::DescriptorEncoder, metrics::info::Info, registry::Registry,
};
use registration::Clock;

use broker::Broker;
use encode::Encoder;
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
    registry.register_collector(Box::new(Process {
        started: sources.clock.now().seconds().0,
    }));
    registry.register_collector(Box::new(Auth(sources.auth)));
    Metrics::new(registry)
}

#[derive(Debug)]
struct Auth(CacheCounts);

impl Collector for Auth {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        Encoder(encoder).counters(
            "rollcall_auth_cache",
            "Look-ups of tokens and keys, by whether the answer was remembered",
            "result",
            [("hit", self.0.hits()), ("miss", self.0.misses())],
        )
    }
}
