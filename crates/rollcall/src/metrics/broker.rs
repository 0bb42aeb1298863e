//! The brokers' connections, zone by zone.

use std::{fmt, sync::Arc};

use amqp::AmqpBus;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use registrar::{LinkState, Registrar, SyncState};

use super::{counters, gauge, gauges, signed};

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
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let health = self.registrar.health();
        gauge(
            encoder,
            "rollcall_ready",
            "1 if some zone is consumed and every such zone is warm",
            i64::from(health.is_ready()),
        )?;
        let zones = health.zones();
        let states = zones.iter().flat_map(|(name, zone)| {
            let is = state(&zone.link);
            STATES.map(|state| {
                let labels = [("zone", name.as_str()), ("state", state)];
                (labels, i64::from(state == is))
            })
        });
        gauges(
            encoder,
            "rollcall_broker_state",
            "1 for the state that the zone's connection is in",
            states,
        )?;
        let warm = zones.iter().map(|(name, zone)| {
            let warm = zone.sync == SyncState::Warm;
            ([("zone", name.as_str())], i64::from(warm))
        });
        gauges(
            encoder,
            "rollcall_zone_warm",
            "1 if what was missed in the zone has been asked for",
            warm,
        )?;
        let reconnects = zones.iter().map(|(name, zone)| {
            let again = zone.links().saturating_sub(1);
            ([("zone", name.as_str())], again)
        });
        counters(
            encoder,
            "rollcall_broker_reconnects",
            "How often the zone's connection has come up again",
            reconnects,
        )?;
        let waiting = self.bus.as_ref().map(|bus| bus.waiting());
        let waiting = waiting.unwrap_or_default();
        let waiting = waiting
            .iter()
            .filter_map(|(zone, waiting)| Some(([("zone", zone.as_str())], signed((*waiting)?))));
        gauges(
            encoder,
            "rollcall_queue_messages",
            "Messages that wait in our queue, as seen within the last 10 seconds",
            waiting,
        )
    }
}
