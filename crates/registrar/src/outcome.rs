//! What became of a delivery.

use kapi::{Query, Reject};
use registration::{Decision, Ignored, Removal, Stored};

/// What became of a delivery. The adapter acknowledges it in any case: a second delivery would end
/// the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A registration was stored.
    Stored(Stored),
    /// A registration was removed.
    Removed(Removal),
    /// A flush removed this many registrations.
    Flushed(usize),
    /// Our own flush came back.
    OwnFlush,
    /// A flush of credentials only.
    CredentialFlush,
    /// A question for [`crate::Registrar::answer`].
    Asked(Box<Query>),
    /// Our own question came back.
    OwnQuestion,
    /// An answer to a question of ours.
    Answered,
    /// An answer to a question that is closed.
    LateAnswer,
    /// Nothing changed, for a good reason.
    Ignored(Ignored),
    /// A message of no concern.
    Other,
    /// A message that cannot be used.
    Rejected(Reject),
}

impl From<&Decision> for Outcome {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Store(_, stored) => Self::Stored(*stored),
            Decision::Remove(removal) => Self::Removed(*removal),
            Decision::Ignore(ignored) => Self::Ignored(*ignored),
        }
    }
}

impl Outcome {
    /// The kind and the reason under which it is counted, both from a small fixed set.
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
            Self::Ignored(Ignored::CacheFull) => ("ignored", "cache_full"),
            Self::Ignored(Ignored::AccountFull) => ("ignored", "account_full"),
            Self::Other => ("ignored", "other_message"),
            Self::Rejected(reject) => ("rejected", reject.reason()),
        }
    }
}
