//! Hands deliveries to the registrar, and logs those that it drops.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use kapi::TARGETED_EXCHANGE;
use lapin::message::Delivery;
use registrar::{Outcome, Registrar};
use registration::{Ignored, Zone};

use crate::log_limit::LogLimit;

/// How often one kind of refusal is logged.
pub(crate) const LOG_PERIOD: Duration = Duration::from_secs(10);
/// The most characters of a routing key that are logged.
const MAX_LOGGED_KEY: usize = 100;

/// Applies a delivery. `None` if that panicked: delivering it again would not help.
pub(crate) fn deliver(
    delivery: &Delivery,
    zone: &Zone,
    registrar: &Registrar,
    log: &mut LogLimit,
) -> Option<Outcome> {
    // Costs nothing unless traces are collected.
    let _span =
        tracing::debug_span!("delivery", %zone, redelivered = delivery.redelivered).entered();
    let message = registrar::Delivery {
        zone,
        body: &delivery.data,
        redelivered: delivery.redelivered,
        targeted: delivery.exchange.as_str() == TARGETED_EXCHANGE,
    };
    let applied = catch_unwind(AssertUnwindSafe(|| registrar.deliver(message)));
    let outcome = applied.ok();
    if outcome.is_none() {
        registrar.metrics().panicked();
    }
    let kind = match &outcome {
        None => Some("panic"),
        Some(Outcome::Rejected(reject)) => Some(reject.reason()),
        Some(full @ Outcome::Ignored(Ignored::CacheFull | Ignored::AccountFull)) => {
            Some(full.label().1)
        }
        Some(_) => None,
    };
    if let Some(held_back) = kind.and_then(|kind| log.admit(kind, Instant::now())) {
        log_refusal(delivery, zone, outcome.as_ref(), held_back);
    }
    tracing::trace!(%zone, ?outcome, "applied");
    outcome
}

fn log_refusal(delivery: &Delivery, zone: &Zone, outcome: Option<&Outcome>, held_back: u64) {
    let routing_key = delivery.routing_key.as_str();
    let routing_key: String = routing_key.chars().take(MAX_LOGGED_KEY).collect();
    match outcome {
        Some(Outcome::Rejected(reject)) => tracing::warn!(
            %zone, reason = reject.reason(), error = %reject, routing_key,
            bytes = delivery.data.len(), held_back, "a message was dropped"
        ),
        Some(outcome) => tracing::error!(
            %zone, ?outcome, routing_key, held_back,
            "a phone is not shown: raise cache.max_registrations or \
             cache.max_account_registrations, or find out who floods"
        ),
        None => tracing::error!(
            %zone, routing_key, held_back, "a message made us panic; it was dropped"
        ),
    }
}
