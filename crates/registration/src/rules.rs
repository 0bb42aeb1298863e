//! What becomes of a registration when an event about its AOR arrives.

use crate::{
    Circumstances, ContactKind, Decision, Ignored, Judgement, Ledger, Lifetime, Origin, Past,
    Registration, Removal, Report, Stored, UnixSeconds,
    ledger::{same_binding, same_contact, same_node},
    merge::merge,
};

/// By how many seconds two ways to say when a registration ends may differ.
const ROUNDING: u64 = 2;

/// Judges `report` against the AOR's past.
pub fn decide(past: Past<'_>, report: &Report, by: Circumstances<'_>) -> Judgement {
    let kind = ContactKind::of(&report.contact);
    if kind == ContactKind::Absent {
        return Judgement::ignore(Ignored::NoContact);
    }
    let case = Case::new(past, report, by);
    if let Some(seconds) = case.corrects() {
        return case.store(seconds, 1);
    }
    if case.is_stale() {
        return case.stale();
    }
    match (report.lifetime, report.origin) {
        (Lifetime::Ended, _) => case.unregister(kind),
        (Lifetime::Seconds(seconds), Origin::Event) => case.register(seconds),
        (Lifetime::Seconds(seconds), _) => case.statement(seconds),
    }
}

/// Judges what a proxy holds of an AOR whose registration, though heard from it, it does not hold:
/// that is where calls go, whatever the time of what was heard.
pub fn concede(past: Past<'_>, report: &Report, by: Circumstances<'_>) -> Judgement {
    let case = Case::new(past, report, by);
    match report.lifetime {
        Lifetime::Seconds(seconds) => case.store(seconds, 1),
        Lifetime::Ended => Judgement::ignore(Ignored::Expired),
    }
}

/// One report and all it is judged by.
struct Case<'a> {
    past: Past<'a>,
    report: &'a Report,
    by: Circumstances<'a>,
    /// The report's time, held to our clock.
    time: UnixSeconds,
}

impl<'a> Case<'a> {
    fn new(past: Past<'a>, report: &'a Report, by: Circumstances<'a>) -> Self {
        Self {
            past,
            report,
            by,
            // A proxy whose clock runs ahead must not make a phone outlive its time.
            time: report.time.min(by.now.seconds()),
        }
    }

    fn is_stale(&self) -> bool {
        let live = self.past.live.map(|live| live.last_registration);
        let told = self.told().map(Ledger::second);
        let newest = live.max(told);
        match self.report.origin {
            Origin::Event => newest.is_some_and(|newest| self.time < newest),
            // What happened in that same second may not be in it yet.
            Origin::Statement | Origin::Record => {
                told.is_some_and(|told| self.time <= told) || live > Some(self.time)
            }
        }
    }

    /// Whether a record tells since when a binding stands that only a statement has told of so far:
    /// it ends at the same time, but was last refreshed before. Until then it passes for newer than
    /// it is, and another proxy's, where the phone went, for older.
    fn corrects(&self) -> Option<u32> {
        let (Origin::Record, Lifetime::Seconds(seconds)) =
            (self.report.origin, self.report.lifetime)
        else {
            return None;
        };
        let live = self.live_here()?;
        let padding = u64::from(self.by.policy.expires_deviation);
        let end = (self.time.0)
            .saturating_add(u64::from(seconds))
            .saturating_add(padding);
        let is_same_end = live.expires_at().seconds().0.abs_diff(end) <= ROUNDING;
        let is_before = self.time.0.saturating_add(ROUNDING) < live.last_registration.0;
        (is_same_end && is_before).then_some(seconds)
    }

    /// The ledger as far as this report has to stand back behind it: another proxy's does not
    /// count, nor another contact's while a registration stands.
    fn told(&self) -> Option<&Ledger> {
        let ledger = self.past.ledger?;
        let concerns =
            ledger.is_of(self.report) || self.past.live.is_none() && ledger.is_of_node(self.report);
        concerns.then_some(ledger)
    }

    /// An event that was overtaken tells nothing new of its own binding, but counts.
    fn stale(&self) -> Judgement {
        let ledger = self.past.ledger;
        let ends_another = self.report.lifetime != Lifetime::Ended && self.replaces_live();
        Judgement {
            decision: if ends_another {
                Decision::Remove(Removal::Unregistered)
            } else {
                Decision::Ignore(Ignored::Stale)
            },
            ledger: ledger
                .filter(|_| !self.by.redelivered)
                .and_then(|ledger| ledger.with_late(self.time, self.report, self.change())),
        }
    }

    /// Whether the binding, though it has ended since, took the place of the one that stands: a
    /// proxy has one contact per AOR.
    fn replaces_live(&self) -> bool {
        self.report.origin == Origin::Event
            && self.past.live.is_some_and(|live| {
                live.last_registration < self.time
                    && same_node(live, self.report)
                    && !same_contact(&live.original_contact, &self.report.contact)
            })
    }

    /// What the event does to its binding's balance.
    fn change(&self) -> i8 {
        match (self.report.origin, self.report.lifetime, self.report.first) {
            (Origin::Event, Lifetime::Seconds(_), Some(true)) => 1,
            (Origin::Event, Lifetime::Ended, Some(false) | None) => -1,
            _ => 0,
        }
    }

    /// The live registration, if the report is about that very binding.
    fn live_here(&self) -> Option<&Registration> {
        self.past
            .live
            .filter(|live| same_binding(live, self.report))
    }

    /// The binding's balance before this event.
    fn before(&self) -> i8 {
        let told = self.past.ledger;
        let deviation = self.by.policy.expires_deviation;
        told.and_then(|ledger| ledger.balance_at(self.time, self.report))
            .unwrap_or_else(|| {
                // At the proxy it ends without the padding.
                let stood = |live: &Registration| live.is_bound_at(self.time, deviation);
                i8::from(self.live_here().is_some_and(stood))
            })
    }

    fn after(&self) -> i8 {
        let after = self.before().saturating_add(self.change());
        if self.by.redelivered {
            // Applied twice it would count twice.
            after.clamp(0, 1)
        } else {
            after
        }
    }

    fn remember(&self, balance: i8) -> Ledger {
        Ledger::new(self.time, self.report, balance)
    }

    fn register(&self, seconds: u32) -> Judgement {
        if self.is_echo_of_unregister(seconds) {
            return Judgement::ignore(Ignored::StaleContact);
        }
        let after = self.after();
        let told_now = self
            .past
            .ledger
            .is_some_and(|ledger| ledger.balance_at(self.time, self.report).is_some());
        let undone = after <= 0 && self.live_here().is_none();
        match self.report.first {
            Some(true) if undone => self.undone(after),
            Some(false) if undone && told_now => self.undone(after),
            _ => self.store(seconds, after),
        }
    }

    /// The register of a binding that has ended since: its unregister overtook it.
    fn undone(&self, after: i8) -> Judgement {
        Judgement {
            decision: if self.replaces_live() {
                Decision::Remove(Removal::Unregistered)
            } else {
                Decision::Ignore(Ignored::Undone)
            },
            ledger: Some(self.remember(after)),
        }
    }

    /// When a phone unregisters a contact that another has replaced, the proxy mostly tells it as a
    /// register of that old contact, with the seconds that remain of the new one; however long ago
    /// the old one was replaced. A phone that really is back, and by chance asks for just as many
    /// seconds, is seen at its next refresh, or when the proxies are asked.
    fn is_echo_of_unregister(&self, seconds: u32) -> bool {
        let Some(live) = self.past.live else {
            return false;
        };
        let since = self.time.0.saturating_sub(live.last_registration.0);
        let lifetime = live
            .expires
            .saturating_sub(self.by.policy.expires_deviation);
        let end = live.last_registration.0.saturating_add(u64::from(lifetime));
        let claimed = self.time.0.saturating_add(u64::from(seconds));
        let tolerance = u64::from(since >= 2);
        self.report.first == Some(true)
            && since >= 1
            && end.abs_diff(claimed) <= tolerance
            && same_node(live, self.report)
            && !same_contact(&live.original_contact, &self.report.contact)
    }

    /// What a proxy says stands: news only if it goes beyond what is known.
    fn statement(&self, seconds: u32) -> Judgement {
        let deviation = u64::from(self.by.policy.expires_deviation);
        let end = (self.time.0)
            .saturating_add(u64::from(seconds))
            .saturating_add(deviation);
        let known = |live: &Registration| {
            same_binding(live, self.report)
                && end <= live.expires_at().seconds().0.saturating_add(ROUNDING)
        };
        // A phone that moved may stand at the proxy that it left until it expires there.
        let left = |live: &Registration| {
            self.report.origin == Origin::Statement
                && !same_node(live, self.report)
                && live.is_bound_at(self.by.now.seconds(), self.by.policy.expires_deviation)
        };
        match self.past.live {
            Some(live) if known(live) => Judgement::ignore(Ignored::Known),
            Some(live) if left(live) => Judgement::ignore(Ignored::OtherContact),
            _ => self.store(seconds, 1),
        }
    }

    fn store(&self, seconds: u32, balance: i8) -> Judgement {
        let (report, policy) = (self.report, self.by.policy);
        let live = self.past.live;
        let registration = merge(live, report, seconds, self.by.zone, policy, self.time);
        if !registration.is_live(self.by.now) {
            return match live {
                Some(_) => Judgement {
                    decision: Decision::Remove(Removal::Expired),
                    ledger: Some(self.remember(0)),
                },
                None => Judgement::ignore(Ignored::Expired),
            };
        }
        let stored = match live {
            None => Stored::Registered,
            Some(live) if same_contact(&live.original_contact, &report.contact) => {
                Stored::Refreshed
            }
            Some(_) => Stored::Moved,
        };
        Judgement {
            decision: Decision::Store(Box::new(registration), stored),
            ledger: Some(self.remember(balance)),
        }
    }

    /// An unregister ends the binding it names, or all with `*` (RFC 3261, 10.2.2); a phone that
    /// moved may still unregister the contact it left, or leave the proxy it came from, and that
    /// must not end the new binding.
    fn unregister(&self, kind: ContactKind) -> Judgement {
        let ends = |live: &&Registration| {
            same_binding(live, self.report)
                || kind == ContactKind::Wildcard && same_node(live, self.report)
        };
        match self.past.live {
            Some(live) if ends(&live) => self.unregister_live(live, kind),
            Some(live) => Judgement {
                decision: Decision::Ignore(Ignored::OtherContact),
                // Its register may follow; but the account of the binding that stands goes first.
                ledger: if self
                    .past
                    .ledger
                    .is_some_and(|told| told.second() == self.time)
                    || !same_node(live, self.report)
                {
                    None
                } else {
                    self.end_of_unknown()
                },
            },
            None => Judgement {
                decision: Decision::Ignore(Ignored::NotRegistered),
                ledger: self.end_of_unknown(),
            },
        }
    }

    fn unregister_live(&self, live: &Registration, kind: ContactKind) -> Judgement {
        let remove = |balance| Judgement {
            decision: Decision::Remove(Removal::Unregistered),
            ledger: Some(self.remember(balance)),
        };
        if self.report.first == Some(true) {
            // There was nothing to end then, so it is gone already, unless it came afterwards. The
            // word of its end may still be on its way.
            return if live.last_registration < self.time {
                remove(self.before())
            } else {
                Judgement::ignore(Ignored::Overtaken)
            };
        }
        if kind == ContactKind::Wildcard {
            return Judgement {
                decision: Decision::Remove(Removal::Unregistered),
                ledger: Some(Ledger::closed(live, self.time)),
            };
        }
        let after = self.after();
        if after <= 0 {
            return remove(after);
        }
        Judgement {
            decision: Decision::Ignore(Ignored::Overtaken),
            ledger: Some(self.remember(after)),
        }
    }

    /// The end of a binding whose beginning was not told: it may still be on its way.
    fn end_of_unknown(&self) -> Option<Ledger> {
        let known_gone = self.past.ledger.is_some();
        let counts = self.report.first != Some(true) && !self.by.redelivered;
        (counts && (known_gone || self.by.complete)).then(|| self.remember(self.after()))
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "order_tests.rs"]
mod order_tests;
