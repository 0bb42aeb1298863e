//! Counting a binding's beginnings and ends within a second.
//!
//! Proxies publish over many channels at once, so that a register and the unregister that followed
//! it within the second come in either order, with equal times. But a binding begins and ends in
//! turns: whatever the order they are told in, it stands if it has begun once more often than it
//! has ended.

use crate::{Registration, Report, Text, UnixSeconds, addr_spec};

/// An event this many seconds older than the newest may still be part of the same turn.
const LATE: u64 = 5;

/// The newest second in which an AOR's binding began or ended, and what was told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    second: UnixSeconds,
    contact: Text,
    node: Option<Text>,
    balance: Balance,
}

/// How often a binding has begun and ended within a ledger's second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// One if the binding stood before that second, one more for each beginning, one less for each
    /// end.
    Told(i8),
    /// It was ended by order, which whoever tells of that second may or may not have known.
    Closed,
    /// The same, but whoever still tells of that second does know.
    Reopened,
}

impl Ledger {
    /// The ledger of a second, of a contact at a node.
    pub fn of(second: UnixSeconds, contact: Text, node: Option<Text>, balance: Balance) -> Self {
        Self {
            second,
            contact,
            node,
            balance,
        }
    }

    /// Whose it is: a contact as it was sent, and the node that told of it.
    pub fn binding(&self) -> (&Text, Option<&Text>) {
        (&self.contact, self.node.as_ref())
    }

    /// What was told of that second.
    pub fn balance(&self) -> Balance {
        self.balance
    }

    pub(crate) fn new(time: UnixSeconds, report: &Report, balance: i8) -> Self {
        Self {
            second: time,
            contact: report.contact.clone(),
            node: report.registrar_node.clone(),
            balance: Balance::Told(balance),
        }
    }

    /// What to remember of a registration that is taken out by order: it has ended as often as it
    /// has begun.
    pub(crate) fn closed(registration: &Registration, second: UnixSeconds) -> Self {
        Self {
            second,
            contact: registration.original_contact.clone(),
            node: registration.registrar_node.clone(),
            balance: Balance::Closed,
        }
    }

    /// The same from when on all that is still told of that second happened after the order; `None`
    /// if it was not ended by order, or more has been told since.
    pub fn reopened(&self) -> Option<Self> {
        (self.balance == Balance::Closed).then(|| Self {
            balance: Balance::Reopened,
            ..self.clone()
        })
    }

    /// The second it is about.
    pub fn second(&self) -> UnixSeconds {
        self.second
    }

    /// The balance, if it is of this second and of the report's binding.
    pub(crate) fn balance_at(&self, time: UnixSeconds, report: &Report) -> Option<i8> {
        match self.balance {
            _ if self.second != time || !self.is_of(report) => None,
            Balance::Told(balance) => Some(balance),
            Balance::Closed => Some(0),
            Balance::Reopened => None,
        }
    }

    /// The same with an event that came too late to be judged by itself.
    pub(crate) fn with_late(&self, time: UnixSeconds, report: &Report, change: i8) -> Option<Self> {
        let recent = self.second.0.saturating_sub(time.0) <= LATE;
        let balance = match self.balance {
            Balance::Told(balance) => balance,
            Balance::Closed => 0,
            Balance::Reopened => return None,
        };
        (recent && change != 0 && self.is_of(report)).then(|| Self {
            balance: Balance::Told(balance.saturating_add(change)),
            ..self.clone()
        })
    }

    /// Whether it is about the report's binding.
    pub(crate) fn is_of(&self, report: &Report) -> bool {
        same_contact(&self.contact, &report.contact) && self.is_of_node(report)
    }

    /// Whether it is about a binding at the report's proxy.
    pub(crate) fn is_of_node(&self, report: &Report) -> bool {
        may_be_same_node(self.node.as_ref(), report.registrar_node.as_ref())
    }
}

/// Whether a report is about this very binding: a contact at a proxy. A phone that moved to another
/// proxy has another binding there, even with the same contact.
pub fn same_binding(registration: &Registration, report: &Report) -> bool {
    same_contact(&registration.original_contact, &report.contact) && same_node(registration, report)
}

/// Whether a report comes from the proxy that the registration is held by.
pub(crate) fn same_node(registration: &Registration, report: &Report) -> bool {
    may_be_same_node(
        registration.registrar_node.as_ref(),
        report.registrar_node.as_ref(),
    )
}

/// Two contacts with the same bare URI are one, whatever `;expires=` stands behind it.
pub(crate) fn same_contact(one: &str, other: &str) -> bool {
    one == other || addr_spec(one) == addr_spec(other)
}

fn may_be_same_node(one: Option<&Text>, other: Option<&Text>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}
