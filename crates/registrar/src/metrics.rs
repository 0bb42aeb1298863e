//! What the registrar measures, in Prometheus' own types.
//!
//! Every label is known from the start, so a message never makes a new series. A counter's handle
//! is looked up without a lock; a refresh, which nearly every message is, costs one atomic addition.

use std::{
    cell::Cell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use registration::{Stored, Zone};

use crate::{
    cache::EntryRef,
    cache::{Change, ChangeKind},
    outcome::Outcome,
};

/// One message of each thread in so many is timed, its first included: to read the clock twice for
/// each would cost as much as everything else.
const SAMPLED: u32 = 64;

thread_local! {
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// Bounds of the time that a message takes, in seconds.
const APPLY_SECONDS: [f64; 12] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 1e-2, 1e-1, 1.0,
];
/// Bounds of an event's age when it is applied, in seconds. Events tell their time in whole seconds.
const LAG_SECONDS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0];

/// The zone label of zones that are not configured, and of records of unknown origin.
const OTHER: &str = "other";

/// A kind and a reason.
pub(crate) type Label = (&'static str, &'static str);

/// Everything that is counted.
const LABELS: [Label; 54] = [
    ("stored", "registered"),
    ("stored", "refreshed"),
    ("stored", "moved"),
    ("removed", "unregistered"),
    ("removed", "expired"),
    ("flush", "applied"),
    ("flush", "own"),
    ("flush", "credentials_only"),
    ("query", "asked"),
    ("ignored", "no_contact"),
    ("ignored", "stale"),
    ("ignored", "expired"),
    ("ignored", "other_contact"),
    ("ignored", "not_registered"),
    ("ignored", "undone"),
    ("ignored", "overtaken"),
    ("ignored", "stale_contact"),
    ("ignored", "known"),
    ("ignored", "cache_full"),
    ("ignored", "account_full"),
    ("ignored", "other_message"),
    ("rejected", "too_large"),
    ("rejected", "not_utf8"),
    ("rejected", "not_json"),
    ("rejected", "not_an_object"),
    ("rejected", "too_many"),
    ("rejected", "missing_header"),
    ("rejected", "bad_value"),
    ("query", "own"),
    ("reply", "taken"),
    ("reply", "late"),
    PANICKED,
    CLOCK_AHEAD,
    GHOST,
    FIND,
    UNANSWERED,
    MERGED,
    RESTORED,
    NOTICE_SENT,
    NOTICE_LOST,
    IDENTIFIED,
    UNIDENTIFIED,
    ("change", "registered"),
    ("change", "moved"),
    ("change", "unregistered"),
    ("change", "expired"),
    ("change", "flushed"),
    ("change", "identified"),
    ("change", "vanished"),
    FLUSH_DONE,
    FLUSH_PARTIAL,
    FLUSH_UNREACHABLE,
    FLUSH_NOT_REGISTERED,
    FLUSH_UNSAFE,
];

/// Notices that a broker took.
pub(crate) const NOTICE_SENT: Label = ("notice", "sent");
/// Notices that no broker took.
pub(crate) const NOTICE_LOST: Label = ("notice", "lost");
/// Registrations whose account the directory told.
pub(crate) const IDENTIFIED: Label = ("directory", "identified");
/// Registrations whose account the directory does not know.
pub(crate) const UNIDENTIFIED: Label = ("directory", "unknown");
/// Registrations that their proxies no longer had.
pub(crate) const GHOST: Label = ("reconcile", "ghost");
/// Bindings of proxies that were missing here.
pub(crate) const FIND: Label = ("reconcile", "find");
/// Proxies that did not answer for a realm.
pub(crate) const UNANSWERED: Label = ("reconcile", "unanswered");
/// Registrations that were not there before.
pub(crate) const STORED_NEW: Label = ("stored", "registered");
/// Registrations that another registrar told of.
pub(crate) const MERGED: Label = ("recovery", "from_peer");
/// Registrations that the snapshot held.
pub(crate) const RESTORED: Label = ("recovery", "from_snapshot");
/// Events from further ahead of our clock than the setting allows.
pub(crate) const CLOCK_AHEAD: Label = ("clock", "ahead");
/// Flushes that every zone took.
pub(crate) const FLUSH_DONE: Label = ("order", "done");
/// Flushes that some zones did not take.
pub(crate) const FLUSH_PARTIAL: Label = ("order", "partial");
/// Flushes that no zone took.
pub(crate) const FLUSH_UNREACHABLE: Label = ("order", "unreachable");
/// Flushes of usernames that are not registered.
pub(crate) const FLUSH_NOT_REGISTERED: Label = ("order", "not_registered");
/// Flushes of names that must not reach the proxies.
pub(crate) const FLUSH_UNSAFE: Label = ("order", "unsafe");
/// Messages on which the code panicked.
const PANICKED: Label = ("rejected", "panicked");
/// Events that say the same as the one before.
const REFRESHED: Label = ("stored", "refreshed");

/// The counters' metrics, each with its help.
const FAMILIES: [(&str, &str); 9] = [
    (
        "rollcall_changes",
        "Changes of the table, by kind; expired are those whose time was up",
    ),
    (
        "rollcall_events",
        "Messages that could be read, by kind, outcome and reason",
    ),
    (
        "rollcall_drops",
        "Messages that could not be used, by reason",
    ),
    (
        "rollcall_events_ahead",
        "Events from further ahead of our clock than cache.max_clock_skew",
    ),
    ("rollcall_reconciliation", "What asking the proxies came to"),
    (
        "rollcall_recovered",
        "Registrations taken from other registrars and the snapshot",
    ),
    ("rollcall_notices", "Notices to the cluster"),
    ("rollcall_directory", "Answers of Kazoo's directory"),
    (
        "rollcall_flushes",
        "Orders to flush, by what became of them",
    ),
];

type Labels = Vec<(&'static str, &'static str)>;

/// The metric that shows a count, and the count's labels there.
fn shown_as((kind, reason): Label) -> (&'static str, Labels) {
    let (metric, key) = match kind {
        "change" => ("rollcall_changes", "kind"),
        "rejected" => ("rollcall_drops", "reason"),
        "clock" => return ("rollcall_events_ahead", vec![]),
        "reconcile" => ("rollcall_reconciliation", "result"),
        "recovery" => ("rollcall_recovered", "result"),
        "notice" => ("rollcall_notices", "result"),
        "directory" => ("rollcall_directory", "result"),
        "order" => ("rollcall_flushes", "outcome"),
        outcome => {
            let of = match (outcome, reason) {
                ("ignored", "other_message") => "other",
                ("stored" | "removed" | "ignored", _) => "registration",
                _ => outcome,
            };
            let labels = vec![("kind", of), ("outcome", outcome), ("reason", reason)];
            return ("rollcall_events", labels);
        }
    };
    (metric, vec![(key, reason)])
}

/// Counts and timings since the start.
#[derive(Debug)]
pub struct Metrics {
    counters: BTreeMap<Label, Counter>,
    refreshed: Counter,
    families: [Family<Labels, Counter>; FAMILIES.len()],
    /// The configured zones, then [`OTHER`].
    zones: Vec<(Zone, Gauge)>,
    registrations: Family<Vec<(&'static str, String)>, Gauge>,
    apply: Histogram,
    lag: Histogram,
}

impl Metrics {
    /// Nothing counted yet; registrations will be counted by these zones.
    pub(crate) fn new(zones: &[Zone]) -> Self {
        let families: [Family<Labels, Counter>; FAMILIES.len()] = Default::default();
        let counter = |label| {
            let (metric, labels) = shown_as(label);
            let mut shown = FAMILIES.iter().zip(&families);
            let (_, family) = shown.find(|((name, _), _)| *name == metric)?;
            Some((label, family.get_or_create_owned(&labels)))
        };
        let counters: BTreeMap<_, _> = LABELS.into_iter().filter_map(counter).collect();
        let registrations = Family::default();
        let gauge = |zone: &Zone| {
            let labels = vec![("zone", zone.as_str().to_owned())];
            (zone.clone(), registrations.get_or_create_owned(&labels))
        };
        Self {
            refreshed: counters.get(&REFRESHED).cloned().unwrap_or_default(),
            counters,
            families,
            zones: zones.iter().chain([&Zone::new(OTHER)]).map(gauge).collect(),
            registrations,
            apply: Histogram::new(APPLY_SECONDS),
            lag: Histogram::new(LAG_SECONDS),
        }
    }

    /// Has a registry show all of it.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "rollcall_registrations",
            "Who is registered, by zone; other for zones that are not configured",
            self.registrations.clone(),
        );
        for ((name, help), family) in FAMILIES.iter().zip(&self.families) {
            registry.register(*name, *help, family.clone());
        }
        registry.register(
            "rollcall_apply_duration_seconds",
            "From a message's bytes to the changed table; one message in 64 of each thread",
            self.apply.clone(),
        );
        registry.register(
            "rollcall_event_lag_seconds",
            "From an event's own time, in whole seconds, to when it was applied; one in 64 of each thread",
            self.lag.clone(),
        );
    }

    pub(crate) fn count(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Stored(Stored::Refreshed) => {
                self.refreshed.inc();
            }
            _ => self.add(outcome.label(), 1),
        }
    }

    pub(crate) fn add(&self, label: Label, count: u64) {
        if let Some(counter) = self.counters.get(&label) {
            counter.inc_by(count);
        }
    }

    /// Counts a message on which the code panicked.
    pub fn panicked(&self) {
        self.add(PANICKED, 1);
    }

    /// Counts a change, and registrations by zone.
    pub(crate) fn note(&self, change: &Change) {
        if let Some(kind) = name(change.kind) {
            self.add(("change", kind), 1);
        }
        let zone = |of: &Option<EntryRef>| of.as_ref().map(|of| of.zone().clone());
        let (before, after) = (zone(&change.before), zone(&change.after));
        if before != after {
            for (zone, step) in [(after, 1), (before, -1)] {
                if let Some(gauge) = zone.and_then(|zone| self.zone(&zone)) {
                    gauge.inc_by(step);
                }
            }
        }
    }

    fn zone(&self, zone: &Zone) -> Option<&Gauge> {
        let named = self.zones.iter().find(|(known, _)| known == zone);
        named.or(self.zones.last()).map(|(_, gauge)| gauge)
    }

    /// The start of a message that is to be timed; `None` for the others.
    pub(crate) fn begin() -> Option<Instant> {
        let turn = TURN.get();
        TURN.set(turn.wrapping_add(1));
        turn.is_multiple_of(SAMPLED).then(Instant::now)
    }

    /// A message that was timed has been applied.
    pub(crate) fn applied(&self, begun: Instant) {
        self.apply.observe(begun.elapsed().as_secs_f64());
    }

    /// An event was applied so many milliseconds after it happened.
    pub(crate) fn heard_after(&self, millis: u64) {
        self.lag
            .observe(Duration::from_millis(millis).as_secs_f64());
    }

    /// Registrations by zone.
    #[cfg(test)]
    pub(crate) fn by_zone(&self) -> Vec<(&str, i64)> {
        let zones = self.zones.iter();
        zones
            .map(|(zone, count)| (zone.as_str(), count.get()))
            .collect()
    }

    /// Every kind and reason with its count.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let counts = self.counters.iter();
        counts.map(|((kind, reason), counter)| (*kind, *reason, counter.get()))
    }

    /// The count of a kind and a reason.
    pub fn of(&self, kind: &str, reason: &str) -> u64 {
        let mut counts = self.counts();
        let found = counts.find(|(known, of, _)| *known == kind && *of == reason);
        found.map_or(0, |(.., count)| count)
    }
}

/// The label of a kind of change; refreshes are counted as events.
fn name(kind: ChangeKind) -> Option<&'static str> {
    Some(match kind {
        ChangeKind::Registered | ChangeKind::Restored => "registered",
        ChangeKind::Moved => "moved",
        ChangeKind::Unregistered => "unregistered",
        ChangeKind::Expired => "expired",
        ChangeKind::Flushed => "flushed",
        ChangeKind::Identified => "identified",
        ChangeKind::Vanished => "vanished",
        ChangeKind::Refreshed => return None,
    })
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
