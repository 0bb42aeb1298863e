//! The table, and what became of messages and orders.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
};
use registrar::{Census, Histogram, Registrar};

use super::{counter, counters, gauge, gauges, signed};

/// Reads a registrar.
pub(super) struct Table {
    pub(super) registrar: Arc<Registrar>,
    pub(super) census: Arc<Census>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Collector for Table {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.table(&mut encoder)?;
        self.messages(&mut encoder)?;
        self.upkeep(&mut encoder)?;
        let meter = self.registrar.meter();
        counters(
            &mut encoder,
            "rollcall_flushes",
            "Orders to flush, by what became of them",
            meter
                .flushes()
                .map(|(outcome, count)| ([("outcome", outcome)], count)),
        )?;
        histogram(
            &mut encoder,
            "rollcall_apply_duration_seconds",
            "From a message's bytes to the changed table; one message in 64 of each thread",
            meter.apply(),
        )?;
        histogram(
            &mut encoder,
            "rollcall_event_lag_seconds",
            "From an event's own time, in whole seconds, to when it was applied; one in 64 of each thread",
            meter.lag(),
        )
    }
}

/// The events' kind that a count belongs to, if it is one of events.
fn event(kind: &str, reason: &str) -> Option<&'static str> {
    match kind {
        "ignored" if reason == "other_message" => Some("other"),
        "stored" | "removed" | "ignored" => Some("registration"),
        "flush" => Some("flush"),
        "query" => Some("query"),
        "reply" => Some("reply"),
        _ => None,
    }
}

impl Table {
    fn table(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauges(
            encoder,
            "rollcall_registrations",
            "Who is registered, by zone; other for zones that are not configured",
            self.census
                .by_zone()
                .map(|(zone, count)| ([("zone", zone)], count)),
        )?;
        gauge(
            encoder,
            "rollcall_table_size",
            "Registrations that the table holds",
            signed(self.registrar.total()),
        )?;
        gauge(
            encoder,
            "rollcall_table_limit",
            "The most that it takes (cache.max_registrations)",
            signed(self.registrar.capacity().registrations),
        )?;
        counters(
            encoder,
            "rollcall_changes",
            "Changes of the table, by kind; expired are those whose time was up",
            self.census
                .changes()
                .map(|(kind, count)| ([("kind", kind)], count)),
        )
    }

    fn messages(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self.registrar.stats();
        let events = stats.snapshot().filter_map(|(outcome, reason, count)| {
            let kind = event(outcome, reason)?;
            let labels = [("kind", kind), ("outcome", outcome), ("reason", reason)];
            Some((labels, count))
        });
        counters(
            encoder,
            "rollcall_events",
            "Messages that could be read, by kind, outcome and reason",
            events,
        )?;
        let drops = stats
            .snapshot()
            .filter(|(outcome, ..)| *outcome == "rejected")
            .map(|(_, reason, count)| ([("reason", reason)], count));
        counters(
            encoder,
            "rollcall_drops",
            "Messages that could not be used, by reason",
            drops,
        )?;
        counter(
            encoder,
            "rollcall_events_ahead",
            "Events from further ahead of our clock than cache.max_clock_skew",
            stats.of("clock", "ahead"),
        )
    }

    fn upkeep(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self.registrar.stats();
        let of = |kind: &'static str| {
            let counts = stats.snapshot().filter(move |(known, ..)| *known == kind);
            counts.map(|(_, reason, count)| ([("result", reason)], count))
        };
        counters(
            encoder,
            "rollcall_reconciliation",
            "What asking the proxies came to",
            of("reconcile"),
        )?;
        counters(
            encoder,
            "rollcall_recovered",
            "Registrations taken from other registrars and the snapshot",
            of("recovery"),
        )?;
        counters(
            encoder,
            "rollcall_notices",
            "Notices to the cluster",
            of("notice"),
        )?;
        counters(
            encoder,
            "rollcall_directory",
            "Answers of Kazoo's directory",
            of("directory"),
        )?;
        let round = self.registrar.health().last_round();
        let ended = round.map_or(0, |round| round.ended.seconds().0);
        gauge(
            encoder,
            "rollcall_reconciliation_last_timestamp_seconds",
            "When the last round of asking the proxies ended; 0 for none yet",
            signed(ended),
        )
    }
}

fn histogram<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    histogram: &Histogram<N>,
) -> fmt::Result {
    let mut encoder = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    let buckets = histogram.buckets();
    let count = buckets.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabelSet>(histogram.sum(), count, &buckets, None)
}

#[cfg(test)]
mod tests {
    use registrar::Stats;

    use super::*;

    /// Kinds that have metrics of their own.
    const ELSEWHERE: [&str; 6] = [
        "rejected",
        "clock",
        "reconcile",
        "recovery",
        "notice",
        "directory",
    ];

    #[test]
    fn every_count_is_shown_somewhere() {
        for (kind, reason, _) in Stats::default().snapshot() {
            let shown = event(kind, reason).is_some() || ELSEWHERE.contains(&kind);
            assert!(shown, "{kind} {reason} is shown by no metric");
        }
    }
}
