//! Deliveries in: recognised by their fingerprint, or else decoded and dispatched.

use std::{hash::BuildHasher as _, ops::ControlFlow, sync::Arc};

use kapi::{Event, Limits, Scan, decode};
use registration::{Aor, Lifetime, Origin, Report, Stored, UnixSeconds, Zone};

use crate::{
    context::Context,
    flush::Flusher,
    metrics::{CLOCK_AHEAD, Metrics},
    outcome::Outcome,
};

/// Bounds on answers to our own questions: another registrar answers in a single message.
const ANSWER_LIMITS: Limits = Limits {
    max_body_bytes: 64 << 20,
};

/// By how many seconds a proxy's database may be behind its memory: it is written every five.
const DATABASE_LAG: u32 = 10;

/// A message as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Zone it was delivered in.
    pub zone: &'a Zone,
    /// Its body.
    pub body: &'a [u8],
    /// The broker says that it may have been delivered before.
    pub redelivered: bool,
    /// It was sent to this process alone, in answer to a question.
    pub targeted: bool,
}

impl<'a> Delivery<'a> {
    /// A message of the registrar exchange, delivered for the first time.
    pub fn new(zone: &'a Zone, body: &'a [u8]) -> Self {
        Self {
            zone,
            body,
            redelivered: false,
            targeted: false,
        }
    }
}

/// Takes deliveries in.
pub(crate) struct Ingest {
    context: Arc<Context>,
    flusher: Arc<Flusher>,
    /// Secret, so that nobody can make two messages with the same fingerprint.
    fingerprints: foldhash::quality::RandomState,
}

/// A scanned message, should it have to be decoded.
struct Scanned<'a> {
    scan: Scan<'a>,
    fingerprint: u64,
}

impl Ingest {
    pub(crate) fn new(context: Arc<Context>, flusher: Arc<Flusher>) -> Self {
        Self {
            context,
            flusher,
            fingerprints: foldhash::quality::RandomState::default(),
        }
    }

    /// Applies a message and counts what became of it.
    pub(crate) fn deliver(&self, delivery: Delivery<'_>) -> Outcome {
        let begun = Metrics::begin();
        let outcome = match self.recognise(delivery, begun.is_some()) {
            ControlFlow::Break(outcome) => outcome,
            ControlFlow::Continue(scanned) => self.decode(delivery, scanned, begun.is_some()),
        };
        let metrics = &self.context.metrics;
        metrics.count(&outcome);
        if let Some(begun) = begun {
            metrics.applied(begun);
        }
        outcome
    }

    /// Applies a message that says the same as the phone's last one, only later: nearly all do, and
    /// need not be decoded. Returns what was scanned of any other.
    fn recognise<'a>(
        &self,
        delivery: Delivery<'a>,
        timed: bool,
    ) -> ControlFlow<Outcome, Option<Scanned<'a>>> {
        let (context, body) = (&*self.context, delivery.body);
        let may_be = !delivery.targeted
            && !delivery.redelivered
            && body.len() <= context.settings.limits.max_body_bytes;
        let scan = may_be.then(|| Scan::of(body, &self.fingerprints));
        let Some(scan) = scan.flatten() else {
            return ControlFlow::Continue(None);
        };
        let heard_in = (scan.fingerprint, delivery.zone.as_str());
        let fingerprint = self.fingerprints.hash_one(heard_in).max(1);
        let (time, padding) = (scan.time, context.settings.policy.expires_deviation);
        let aor = Aor::new(scan.username, scan.realm);
        if !context.cache.refresh(&aor, time, fingerprint, padding) {
            return ControlFlow::Continue(Some(Scanned { scan, fingerprint }));
        }
        if timed {
            self.note_lag(time);
        }
        ControlFlow::Break(Outcome::Stored(Stored::Refreshed))
    }

    fn decode(&self, delivery: Delivery<'_>, scanned: Option<Scanned<'_>>, timed: bool) -> Outcome {
        let (context, zone) = (&*self.context, delivery.zone);
        let limits = if delivery.targeted {
            ANSWER_LIMITS
        } else {
            context.settings.limits
        };
        match decode(delivery.body, limits) {
            Ok(Event::Registration(mut report)) => {
                let scanned = scanned.filter(|scanned| scanned.scan.is_of(&report));
                let fingerprint = scanned.map_or(0, |scanned| scanned.fingerprint);
                self.correct(&mut report, delivery.targeted, timed);
                let heard = context.heard(zone, delivery.redelivered, fingerprint);
                context.apply(&report, heard)
            }
            Ok(Event::Flush(flush, sender)) => self.flusher.heard(&flush, &sender, zone),
            Ok(Event::Query(query))
                if *query.reply_to == *context.settings.identity.server_id() =>
            {
                Outcome::OwnQuestion
            }
            Ok(Event::Query(query)) => Outcome::Asked(query),
            // An answer to us is sent to us alone.
            Ok(Event::Reply(_)) if !delivery.targeted => Outcome::Other,
            Ok(Event::Reply(reply)) => {
                if context.questions.answered(zone, *reply) {
                    Outcome::Answered
                } else {
                    Outcome::LateAnswer
                }
            }
            Ok(Event::Other) => Outcome::Other,
            Err(reject) => Outcome::Rejected(reject),
        }
    }

    /// Corrects a report's origin and time where they cannot be right.
    fn correct(&self, report: &mut Report, targeted: bool, timed: bool) {
        let context = &*self.context;
        let ahead = report
            .time
            .0
            .saturating_sub(context.clock.now().seconds().0);
        if ahead > u64::from(context.settings.max_clock_skew) {
            context.metrics.add(CLOCK_AHEAD, 1);
        }
        if report.origin == Origin::Statement && !targeted {
            // Statements answer a question. This is an event.
            report.origin = Origin::Event;
        }
        if timed && report.origin == Origin::Event {
            self.note_lag(report.time);
        }
        if let (Origin::Statement, Lifetime::Seconds(seconds)) = (report.origin, report.lifetime) {
            // It comes from the proxy's database, which is behind.
            report.time = UnixSeconds(report.time.0.saturating_sub(u64::from(DATABASE_LAG)));
            report.lifetime = Lifetime::Seconds(seconds.saturating_add(DATABASE_LAG));
            context.replay.heard();
        }
    }

    fn note_lag(&self, time: UnixSeconds) {
        let now = self.context.clock.now();
        let lag = now.0.saturating_sub(time.millis().0);
        self.context.metrics.heard_after(lag);
    }
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
