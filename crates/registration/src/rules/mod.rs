//! What becomes of a registration when an event about its AOR arrives.

mod context;
mod history;
mod merge;
mod verdict;

use self::{
    history::{same_contact, same_node},
    merge::merge,
};
use crate::{ContactKind, Lifetime, Origin, Registration, Report, UnixSeconds};

pub use self::{
    context::{DecisionContext, Policy},
    history::{Balance, BindingHistory, same_binding},
    verdict::{Decision, Ignored, Removal, Stored, Verdict},
};

/// By how many seconds two ways to say when a registration ends may differ.
const ROUNDING: u64 = 2;

/// Judges a report against what is known of its AOR.
pub fn decide(report: &Report, context: DecisionContext<'_>) -> Verdict {
    let kind = ContactKind::of(&report.contact);
    if kind == ContactKind::Absent {
        return Verdict::ignore(Ignored::NoContact);
    }
    let case = Case::new(report, context);
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

/// Judges a contact that a proxy holds in place of the one that was heard from it. Calls go to the
/// contact that the proxy holds, so it wins at any age.
pub fn override_with(report: &Report, context: DecisionContext<'_>) -> Verdict {
    let case = Case::new(report, context);
    match report.lifetime {
        Lifetime::Seconds(seconds) => case.store(seconds, 1),
        Lifetime::Ended => Verdict::ignore(Ignored::Expired),
    }
}

/// One report and its context.
struct Case<'a> {
    report: &'a Report,
    context: DecisionContext<'a>,
    /// The report's time, held to our clock.
    time: UnixSeconds,
}

impl<'a> Case<'a> {
    fn new(report: &'a Report, context: DecisionContext<'a>) -> Self {
        Self {
            report,
            context,
            // A proxy whose clock runs ahead must not make a phone outlive its time.
            time: report.time.min(context.now.seconds()),
        }
    }

    fn is_stale(&self) -> bool {
        let live = self.context.live.map(|live| live.last_registration);
        let told = self.history().map(|history| history.second);
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
        let padding = u64::from(self.context.policy.expires_deviation);
        let end = (self.time.0)
            .saturating_add(u64::from(seconds))
            .saturating_add(padding);
        let is_same_end = live.expires_at().seconds().0.abs_diff(end) <= ROUNDING;
        let is_before = self.time.0.saturating_add(ROUNDING) < live.last_registration.0;
        (is_same_end && is_before).then_some(seconds)
    }

    /// The history as far as this report has to stand back behind it: another proxy's does not
    /// count, nor another contact's while a registration stands.
    fn history(&self) -> Option<&BindingHistory> {
        let history = self.context.history?;
        let concerns = history.is_of(self.report)
            || self.context.live.is_none() && history.is_of_node(self.report);
        concerns.then_some(history)
    }

    /// An event that was overtaken tells nothing new of its own binding, but counts.
    fn stale(&self) -> Verdict {
        let history = self.context.history;
        let ends_another = self.report.lifetime != Lifetime::Ended && self.replaces_live();
        Verdict {
            decision: if ends_another {
                Decision::Remove(Removal::Unregistered)
            } else {
                Decision::Ignore(Ignored::Stale)
            },
            history: history
                .filter(|_| !self.context.redelivered)
                .and_then(|history| history.with_late(self.time, self.report, self.change())),
        }
    }

    /// Whether the binding, though it has ended since, took the place of the one that stands: a
    /// proxy has one contact per AOR.
    fn replaces_live(&self) -> bool {
        self.report.origin == Origin::Event
            && self.context.live.is_some_and(|live| {
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
        self.context
            .live
            .filter(|live| same_binding(live, self.report))
    }

    /// The binding's balance before this event.
    fn before(&self) -> i8 {
        let told = self.context.history;
        let deviation = self.context.policy.expires_deviation;
        told.and_then(|history| history.balance_at(self.time, self.report))
            .unwrap_or_else(|| {
                // At the proxy it ends without the padding.
                let stood = |live: &Registration| live.is_bound_at(self.time, deviation);
                i8::from(self.live_here().is_some_and(stood))
            })
    }

    fn after(&self) -> i8 {
        let after = self.before().saturating_add(self.change());
        if self.context.redelivered {
            // Applied twice it would count twice.
            after.clamp(0, 1)
        } else {
            after
        }
    }

    fn counted(&self, balance: i8) -> BindingHistory {
        BindingHistory::new(self.time, self.report, balance)
    }

    fn register(&self, seconds: u32) -> Verdict {
        if self.is_echo_of_unregister(seconds) {
            return Verdict::ignore(Ignored::StaleContact);
        }
        let after = self.after();
        let told_now = self
            .context
            .history
            .is_some_and(|history| history.balance_at(self.time, self.report).is_some());
        let undone = after <= 0 && self.live_here().is_none();
        match self.report.first {
            Some(true) if undone => self.undone(after),
            Some(false) if undone && told_now => self.undone(after),
            _ => self.store(seconds, after),
        }
    }

    /// The register of a binding that has ended since: its unregister overtook it.
    fn undone(&self, after: i8) -> Verdict {
        Verdict {
            decision: if self.replaces_live() {
                Decision::Remove(Removal::Unregistered)
            } else {
                Decision::Ignore(Ignored::Undone)
            },
            history: Some(self.counted(after)),
        }
    }

    /// When a phone unregisters a contact that another has replaced, the proxy mostly tells it as a
    /// register of that old contact, with the seconds that remain of the new one; however long ago
    /// the old one was replaced. A phone that really is back, and by chance asks for just as many
    /// seconds, is seen at its next refresh, or when the proxies are asked.
    fn is_echo_of_unregister(&self, seconds: u32) -> bool {
        let Some(live) = self.context.live else {
            return false;
        };
        let since = self.time.0.saturating_sub(live.last_registration.0);
        let lifetime = live
            .expires
            .saturating_sub(self.context.policy.expires_deviation);
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
    fn statement(&self, seconds: u32) -> Verdict {
        let deviation = u64::from(self.context.policy.expires_deviation);
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
                && live.is_bound_at(
                    self.context.now.seconds(),
                    self.context.policy.expires_deviation,
                )
        };
        match self.context.live {
            Some(live) if known(live) => Verdict::ignore(Ignored::Known),
            Some(live) if left(live) => Verdict::ignore(Ignored::OtherContact),
            _ => self.store(seconds, 1),
        }
    }

    fn store(&self, seconds: u32, balance: i8) -> Verdict {
        let (report, policy) = (self.report, self.context.policy);
        let live = self.context.live;
        let registration = merge(live, report, seconds, self.context.zone, policy, self.time);
        if !registration.is_live(self.context.now) {
            return match live {
                Some(_) => Verdict {
                    decision: Decision::Remove(Removal::Expired),
                    history: Some(self.counted(0)),
                },
                None => Verdict::ignore(Ignored::Expired),
            };
        }
        let stored = match live {
            None => Stored::Registered,
            Some(live) if same_contact(&live.original_contact, &report.contact) => {
                Stored::Refreshed
            }
            Some(_) => Stored::Moved,
        };
        Verdict {
            decision: Decision::Store(Box::new(registration), stored),
            history: Some(self.counted(balance)),
        }
    }

    /// An unregister ends the binding it names, or all with `*` (RFC 3261, 10.2.2); a phone that
    /// moved may still unregister the contact it left, or leave the proxy it came from, and that
    /// must not end the new binding.
    fn unregister(&self, kind: ContactKind) -> Verdict {
        let ends = |live: &&Registration| {
            same_binding(live, self.report)
                || kind == ContactKind::Wildcard && same_node(live, self.report)
        };
        match self.context.live {
            Some(live) if ends(&live) => self.unregister_live(live, kind),
            Some(live) => Verdict {
                decision: Decision::Ignore(Ignored::OtherContact),
                // Its register may follow; but the account of the binding that stands goes first.
                history: if self
                    .context
                    .history
                    .is_some_and(|told| told.second == self.time)
                    || !same_node(live, self.report)
                {
                    None
                } else {
                    self.end_of_unknown()
                },
            },
            None => Verdict {
                decision: Decision::Ignore(Ignored::NotRegistered),
                history: self.end_of_unknown(),
            },
        }
    }

    fn unregister_live(&self, live: &Registration, kind: ContactKind) -> Verdict {
        let remove = |balance| Verdict {
            decision: Decision::Remove(Removal::Unregistered),
            history: Some(self.counted(balance)),
        };
        if self.report.first == Some(true) {
            // There was nothing to end then, so it is gone already, unless it came afterwards. The
            // word of its end may still be on its way.
            return if live.last_registration < self.time {
                remove(self.before())
            } else {
                Verdict::ignore(Ignored::Overtaken)
            };
        }
        if kind == ContactKind::Wildcard {
            return Verdict {
                decision: Decision::Remove(Removal::Unregistered),
                history: Some(BindingHistory::closed(live, self.time)),
            };
        }
        let after = self.after();
        if after <= 0 {
            return remove(after);
        }
        Verdict {
            decision: Decision::Ignore(Ignored::Overtaken),
            history: Some(self.counted(after)),
        }
    }

    /// The end of a binding whose beginning was not told: it may still be on its way.
    fn end_of_unknown(&self) -> Option<BindingHistory> {
        let known_gone = self.context.history.is_some();
        let counts = self.report.first != Some(true) && !self.context.redelivered;
        (counts && (known_gone || self.context.complete)).then(|| self.counted(self.after()))
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "order_tests.rs"]
mod order_tests;
