//! What became of a delivery, and how often.

use std::sync::atomic::{AtomicU64, Ordering};

use kapi::{Query, Reject};
use registration::{Ignored, Removal, Stored};

/// What became of a delivery. The adapter acknowledges all of them: none gets better by waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A registration was stored.
    Stored(Stored),
    /// A registration was taken out.
    Removed(Removal),
    /// A flush took out this many.
    Flushed(usize),
    /// Our own flush came back.
    OwnFlush,
    /// A flush of credentials only.
    CredentialFlush,
    /// A question, to be put to [`crate::Registrar::answer`].
    Asked(Box<Query>),
    /// Our own question came back.
    OwnQuestion,
    /// An answer to a question of ours.
    Answered,
    /// An answer that nobody waits for (any more).
    LateAnswer,
    /// Nothing changed, for a good reason.
    Ignored(Ignored),
    /// A message of no concern.
    Other,
    /// A message that cannot be used.
    Rejected(Reject),
}

/// Names of [`Stats`], each with the reason where there is one.
const LABELS: [(&str, &str); 42] = [
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
    ("ignored", "table_full"),
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
];

/// Notices that a broker took.
pub(crate) const NOTICE_SENT: Label = ("notice", "sent");
/// Notices that none took.
pub(crate) const NOTICE_LOST: Label = ("notice", "lost");
/// Registrations whose account the directory told.
pub(crate) const IDENTIFIED: Label = ("directory", "identified");
/// Registrations whose account the directory does not know.
pub(crate) const UNIDENTIFIED: Label = ("directory", "unknown");

/// Registrations that no proxy knew of any more.
pub(crate) const GHOST: Label = ("reconcile", "ghost");
/// Bindings of proxies that the table lacked.
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

/// Messages that made us panic.
const PANICKED: Label = ("rejected", "panicked");

/// A kind and a reason.
pub(crate) type Label = (&'static str, &'static str);

impl Outcome {
    /// What to count it as: a kind and a reason, both from a small fixed set.
    pub fn label(&self) -> (&'static str, &'static str) {
        match self {
            Self::Stored(Stored::Registered) => ("stored", "registered"),
            Self::Stored(Stored::Refreshed) => ("stored", "refreshed"),
            Self::Stored(Stored::Moved) => ("stored", "moved"),
            Self::Removed(Removal::Unregistered) => ("removed", "unregistered"),
            Self::Removed(Removal::Expired) => ("removed", "expired"),
            Self::Flushed(_) => ("flush", "applied"),
            Self::OwnFlush => ("flush", "own"),
            Self::CredentialFlush => ("flush", "credentials_only"),
            Self::Asked(_) => ("query", "asked"),
            Self::OwnQuestion => ("query", "own"),
            Self::Answered => ("reply", "taken"),
            Self::LateAnswer => ("reply", "late"),
            Self::Ignored(Ignored::NoContact) => ("ignored", "no_contact"),
            Self::Ignored(Ignored::Stale) => ("ignored", "stale"),
            Self::Ignored(Ignored::Expired) => ("ignored", "expired"),
            Self::Ignored(Ignored::OtherContact) => ("ignored", "other_contact"),
            Self::Ignored(Ignored::NotRegistered) => ("ignored", "not_registered"),
            Self::Ignored(Ignored::Undone) => ("ignored", "undone"),
            Self::Ignored(Ignored::Overtaken) => ("ignored", "overtaken"),
            Self::Ignored(Ignored::StaleContact) => ("ignored", "stale_contact"),
            Self::Ignored(Ignored::Known) => ("ignored", "known"),
            Self::Ignored(Ignored::TableFull) => ("ignored", "table_full"),
            Self::Ignored(Ignored::AccountFull) => ("ignored", "account_full"),
            Self::Other => ("ignored", "other_message"),
            Self::Rejected(reject) => ("rejected", reject.reason()),
        }
    }
}

/// How often each outcome was seen since the start.
#[derive(Debug)]
pub struct Stats([AtomicU64; LABELS.len()]);

impl Default for Stats {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; LABELS.len()])
    }
}

impl Stats {
    pub(crate) fn count(&self, outcome: &Outcome) {
        match outcome {
            // Nearly all of them are.
            Outcome::Stored(Stored::Refreshed) => {
                let [_, refreshed, ..] = &self.0;
                refreshed.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.add(outcome.label(), 1),
        }
    }

    pub(crate) fn add(&self, label: Label, count: u64) {
        if let Some((_, slot)) = LABELS
            .iter()
            .zip(&self.0)
            .find(|(known, _)| **known == label)
        {
            slot.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Counts a message that made us panic.
    pub fn panicked(&self) {
        self.add(PANICKED, 1);
    }

    /// Every kind and reason with its count.
    pub fn snapshot(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        LABELS
            .iter()
            .zip(&self.0)
            .map(|((kind, reason), count)| (*kind, *reason, count.load(Ordering::Relaxed)))
    }

    /// The count of one.
    pub fn of(&self, kind: &str, reason: &str) -> u64 {
        self.snapshot()
            .find(|(k, r, _)| *k == kind && *r == reason)
            .map_or(0, |(_, _, count)| count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_slot() {
        let outcomes = [
            Outcome::Stored(Stored::Registered),
            Outcome::Stored(Stored::Refreshed),
            Outcome::Stored(Stored::Moved),
            Outcome::Removed(Removal::Unregistered),
            Outcome::Removed(Removal::Expired),
            Outcome::Flushed(3),
            Outcome::OwnFlush,
            Outcome::CredentialFlush,
            Outcome::Asked(Box::default()),
            Outcome::OwnQuestion,
            Outcome::Answered,
            Outcome::LateAnswer,
            Outcome::Ignored(Ignored::NoContact),
            Outcome::Ignored(Ignored::Stale),
            Outcome::Ignored(Ignored::Expired),
            Outcome::Ignored(Ignored::OtherContact),
            Outcome::Ignored(Ignored::NotRegistered),
            Outcome::Ignored(Ignored::Undone),
            Outcome::Ignored(Ignored::Overtaken),
            Outcome::Ignored(Ignored::StaleContact),
            Outcome::Ignored(Ignored::Known),
            Outcome::Ignored(Ignored::TableFull),
            Outcome::Ignored(Ignored::AccountFull),
            Outcome::Other,
            Outcome::Rejected(Reject::TooLarge { size: 1, limit: 0 }),
            Outcome::Rejected(Reject::NotUtf8),
            Outcome::Rejected(Reject::NotJson(String::new())),
            Outcome::Rejected(Reject::NotAnObject),
            Outcome::Rejected(Reject::TooMany {
                header: "Fields",
                limit: 0,
            }),
            Outcome::Rejected(Reject::Missing("Realm")),
            Outcome::Rejected(Reject::BadValue {
                header: "Expires",
                value: String::new(),
                takes: "",
            }),
        ];
        let stats = Stats::default();
        for outcome in &outcomes {
            stats.count(outcome);
        }
        assert_eq!(
            stats.snapshot().map(|(_, _, count)| count).sum::<u64>(),
            outcomes.len() as u64
        );
        assert!(stats.snapshot().all(|(_, _, count)| count <= 1));
        assert_eq!(
            stats.snapshot().filter(|(_, _, count)| *count == 1).count(),
            outcomes.len()
        );
    }
}
