//! Applying deliveries in order, and acknowledging what was applied, many at once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, StreamExt as _};
use kapi::TARGETED_EXCHANGE;
use lapin::{Acker, Consumer, message::Delivery, options::BasicAckOptions};
use registrar::{Outcome, Registrar};
use registration::{Ignored, Zone};
use tokio_util::sync::CancellationToken;

use crate::{pulse::Pulse, rate_limit::RateLimit};

/// How many deliveries are acknowledged at once at most.
const MAX_BATCH: u16 = 256;
/// How often one kind of refusal is logged.
pub(crate) const LOG_PERIOD: Duration = Duration::from_secs(10);

/// Why consuming ended.
pub(crate) enum Ended {
    /// We were told to stop; all that was applied is acknowledged.
    Stopped,
    /// The broker or the connection ended it.
    Failed(String),
}

/// Consumes until told to stop or until the stream ends.
pub(crate) async fn consume(
    consumer: &mut Consumer,
    zone: &Zone,
    registrar: &Registrar,
    pulse: &Pulse,
    prefetch: u16,
    stop: &CancellationToken,
) -> Ended {
    let batch = (prefetch / 2).clamp(1, MAX_BATCH);
    let mut refusals = RateLimit::new(LOG_PERIOD);
    let mut applied = Applied::default();
    loop {
        let next = match consumer.next().now_or_never() {
            Some(next) if !stop.is_cancelled() => next,
            _ => {
                // Nothing waits: the time to acknowledge, and to look up.
                if let Err(error) = applied.acknowledge().await {
                    return Ended::Failed(format!("acknowledging: {error}"));
                }
                match stop.run_until_cancelled(consumer.next()).await {
                    Some(next) => next,
                    None => return Ended::Stopped,
                }
            }
        };
        let delivery = match next {
            Some(Ok(delivery)) => delivery,
            Some(Err(error)) => return Ended::Failed(format!("consuming: {error}")),
            None => {
                return Ended::Failed(
                    "the broker ended the consumer (was its queue deleted?)".into(),
                );
            }
        };
        pulse.felt();
        if delivery.routing_key.as_str() != pulse.key() {
            apply(&delivery, zone, registrar, &mut refusals);
        }
        applied.add(delivery);
        if applied.count >= batch
            && let Err(error) = applied.acknowledge().await
        {
            return Ended::Failed(format!("acknowledging: {error}"));
        }
    }
}

/// Applies a delivery; says what became of it, unless it made us panic. Whatever that was, it will
/// not become better by being delivered again.
pub(crate) fn apply(
    delivery: &Delivery,
    zone: &Zone,
    registrar: &Registrar,
    refusals: &mut RateLimit,
) -> Option<Outcome> {
    let routing_key = || {
        delivery
            .routing_key
            .as_str()
            .chars()
            .take(100)
            .collect::<String>()
    };
    let taken = registrar::Delivery {
        zone,
        body: &delivery.data,
        redelivered: delivery.redelivered,
        targeted: delivery.exchange.as_str() == TARGETED_EXCHANGE,
    };
    // Costs nothing unless somebody collects traces.
    let _span =
        tracing::debug_span!("delivery", %zone, redelivered = delivery.redelivered).entered();
    let applied = catch_unwind(AssertUnwindSafe(|| registrar.deliver(taken)));
    let Ok(outcome) = applied else {
        registrar.metrics().panicked();
        if let Some(held_back) = refusals.admit("panic", Instant::now()) {
            tracing::error!(%zone, routing_key = routing_key(), held_back, "a message made us panic; it was dropped");
        }
        return None;
    };
    if let Outcome::Rejected(reject) = &outcome
        && let Some(held_back) = refusals.admit(reject.reason(), Instant::now())
    {
        tracing::warn!(
            %zone, reason = reject.reason(), error = %reject, routing_key = routing_key(),
            bytes = delivery.data.len(), held_back, "a message was dropped"
        );
    }
    if let Outcome::Ignored(full @ (Ignored::TableFull | Ignored::AccountFull)) = &outcome
        && let Some(held_back) = refusals.admit(outcome.label().1, Instant::now())
    {
        tracing::error!(
            %zone, ?full, routing_key = routing_key(), held_back,
            "a phone is not shown: raise cache.max_registrations or cache.max_account_registrations, \
             or find out who floods"
        );
    }
    tracing::trace!(%zone, ?outcome, "applied");
    Some(outcome)
}

/// Deliveries applied since the last acknowledgement.
#[derive(Default)]
struct Applied {
    count: u16,
    last: Option<Acker>,
}

impl Applied {
    fn add(&mut self, delivery: Delivery) {
        self.count += 1;
        self.last = Some(delivery.acker);
    }

    async fn acknowledge(&mut self) -> lapin::Result<()> {
        self.count = 0;
        if let Some(last) = self.last.take() {
            // False means that the connection went meanwhile: they all come again, and change nothing.
            last.ack(BasicAckOptions { multiple: true }).await?;
        }
        Ok(())
    }
}
