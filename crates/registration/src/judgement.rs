//! What a report is judged by, and what can come of it.

use crate::{Ledger, Registration, Text, UnixMillis, Zone};

/// Settings that the rules follow.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Seconds added to every lifetime, so that a late refresh does not blink (Kazoo's
    /// `expires_deviation_time`).
    pub expires_deviation: u32,
    /// To-Host and From-Host of an event that has none.
    pub default_realm: Text,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expires_deviation: 180,
            default_realm: "nodomain.com".into(),
        }
    }
}

/// What to do with the table.
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
    /// A REGISTER without Contact only asks.
    NoContact,
    /// A newer event was here before.
    Stale,
    /// Its time was up before it arrived.
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
    /// A statement of what the table knows.
    Known,
    /// The table has no room for more.
    TableFull,
    /// It has no room for more of this account.
    AccountFull,
}

/// What is known of an AOR when a report of it arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past<'a> {
    /// Its live registration.
    pub live: Option<&'a Registration>,
    /// What was last told of beginnings and ends.
    pub ledger: Option<&'a Ledger>,
}

/// What a report is judged by, beside the AOR's past.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Zone it was heard in.
    pub zone: &'a Zone,
    /// The rules' settings.
    pub policy: &'a Policy,
    /// The present.
    pub now: UnixMillis,
    /// It may have been applied before: the broker delivers again what was not acknowledged.
    pub redelivered: bool,
    /// Whoever is registered is in the table, so that an AOR without a past was not registered.
    pub complete: bool,
}

/// What to do, and what to remember of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What to do with the table.
    pub decision: Decision,
    /// The AOR's ledger from now on; `None` leaves it as it is.
    pub ledger: Option<Ledger>,
}

impl Judgement {
    /// Nothing is done, and nothing remembered.
    pub fn ignore(why: Ignored) -> Self {
        Self {
            decision: Decision::Ignore(why),
            ledger: None,
        }
    }
}
