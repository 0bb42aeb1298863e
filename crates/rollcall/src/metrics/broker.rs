//! The brokers' connections, zone by zone.

use std::{fmt, sync::Arc};

use amqp::AmqpBus;
use prometheus_client::{
    collector::Collector, encoding::DescriptorEncoder, metrics::gauge::ConstGauge,
};
use registrar::{LinkState, Registrar, SyncState};

use super::encode::{Encoder, signed};

/// Reads the health of a registrar, and the connections themselves.
pub(super) struct Broker {
    pub(super) registrar: Arc<Registrar>,
    pub(super) bus: Option<Arc<AmqpBus>>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").finish_non_exhaustive()
    }
}

const STATES: [&str; 3] = ["connecting", "consuming", "down"];

fn state(link: &LinkState) -> &'static str {
    match link {
        LinkState::Connecting => "connecting",
        LinkState::Consuming => "consuming",
        LinkState::Down { .. } => "down",
    }
}

impl Collector for Broker {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Encoder(encoder);
        let health = self.registrar.health();
        out.gauge(
            "rollcall_ready",
            "1 if some zone is consumed and every such zone is warm",
            i64::from(health.is_ready()),
        )?;
        let zones = health.zones();
        let zones = || zones.iter().map(|(name, zone)| (name.as_str(), zone));
        let states = zones().flat_map(|(name, zone)| {
            let is = state(&zone.link);
            STATES.map(|state| {
                let labels = [("zone", name), ("state", state)];
                (labels, ConstGauge::new(i64::from(state == is)))
            })
        });
        out.family(
            "rollcall_broker_state",
            "1 for the state that the zone's connection is in",
            states,
        )?;
        out.zones(
            "rollcall_zone_warm",
            "1 if what was missed in the zone has been asked for",
            zones().map(|(name, zone)| (name, i64::from(zone.sync == SyncState::Warm))),
        )?;
        out.counters(
            "rollcall_broker_reconnects",
            "How often the zone's connection has come up again",
            "zone",
            zones().map(|(name, zone)| (name, zone.links().saturating_sub(1))),
        )?;
        let waiting = self
            .bus
            .as_ref()
            .map(|bus| bus.waiting())
            .unwrap_or_default();
        let waiting = waiting.iter();
        out.zones(
            "rollcall_queue_messages",
            "Messages that wait in our queue, as seen within the last 10 seconds",
            waiting.filter_map(|(zone, waiting)| Some((zone.as_str(), signed((*waiting)?)))),
        )
    }
}
