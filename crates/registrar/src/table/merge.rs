//! What another registrar stored, judged against what is known here.

use registration::{Decision, Ignored, Judgement, Ledger, Past, Registration, Stored, UnixMillis};

/// The newer of two wins; what the table heard itself wins if they are as new.
pub(super) fn merge_record(
    past: Past<'_>,
    registration: &Registration,
    now: UnixMillis,
) -> Judgement {
    let last = registration.last_registration;
    let live = past.live.map(|live| live.last_registration);
    let told = past.ledger.map(Ledger::second);
    let decision = if live.max(told).is_some_and(|known| known >= last) {
        Decision::Ignore(Ignored::Known)
    } else if !registration.is_live(now) {
        Decision::Ignore(Ignored::Expired)
    } else {
        let stored = match past.live {
            None => Stored::Registered,
            Some(live) if live.contact == registration.contact => Stored::Refreshed,
            Some(_) => Stored::Moved,
        };
        Decision::Store(Box::new(registration.clone()), stored)
    };
    Judgement {
        decision,
        ledger: None,
    }
}
