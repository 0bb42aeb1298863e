//! What the rules can decide about a report.

use super::history::BindingHistory;
use crate::Registration;

/// What to do with the AOR's registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Put this in place of what was there.
    Store(Box<Registration>, Stored),
    /// Take out what was there.
    Remove(Removal),
    /// Leave all as it is.
    Ignore(Ignored),
}

/// How a stored registration relates to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// There was none.
    Registered,
    /// The same contact as before.
    Refreshed,
    /// Another contact than before.
    Moved,
}

/// Why a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Removal {
    /// The phone said so.
    Unregistered,
    /// A newer event says it was due to end before now.
    Expired,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// A REGISTER without Contact, which only asks.
    NoContact,
    /// A newer event arrived before it.
    Stale,
    /// It had expired when it arrived.
    Expired,
    /// An unregister of a contact that is not the current one, or at another proxy.
    OtherContact,
    /// An unregister for an AOR that is not registered.
    NotRegistered,
    /// A register whose unregister came before it.
    Undone,
    /// An unregister whose next register came before it.
    Overtaken,
    /// An unregister of a replaced contact, told as a register.
    StaleContact,
    /// A statement of what is known already.
    Known,
    /// The cache is full.
    CacheFull,
    /// The account has as many registrations as it may have.
    AccountFull,
}

/// A decision, and the AOR's history after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do with the registration.
    pub decision: Decision,
    /// The AOR's new history; `None` leaves it as it is.
    pub history: Option<BindingHistory>,
}

impl Verdict {
    /// Changes nothing.
    pub fn ignore(why: Ignored) -> Self {
        Self {
            decision: Decision::Ignore(why),
            history: None,
        }
    }
}
