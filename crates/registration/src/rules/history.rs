//! How often a binding began and ended within a second.
//!
//! Proxies publish over many channels at once, so that a register and the unregister that followed it
//! within the second arrive in either order, with equal times. But a binding begins and ends in turns:
//! in any order of arrival, it stands if it has begun once more often than it has ended.

use crate::{Registration, Report, Text, UnixSeconds, addr_spec};

/// An event this many seconds older than the newest may still be part of the same turn.
const LATE: u64 = 5;

/// The newest second in which an AOR's binding began or ended, and what was heard of that second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingHistory {
    /// The second.
    pub second: UnixSeconds,
    /// The contact as the phone sent it.
    pub contact: Text,
    /// The node that told of it.
    pub node: Option<Text>,
    /// How begins and ends add up.
    pub balance: Balance,
}

/// How the begins and ends of a second add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// One if the binding stood before that second, one more for each begin, one less for each end.
    Counted(i8),
    /// A flush ended the binding; an event of that second may be older or newer than the flush.
    Closed,
    /// A flush ended the binding; events of that second that still arrive are newer than the flush.
    Reopened,
}

impl BindingHistory {
    pub(crate) fn new(time: UnixSeconds, report: &Report, balance: i8) -> Self {
        Self {
            second: time,
            contact: report.contact.clone(),
            node: report.registrar_node.clone(),
            balance: Balance::Counted(balance),
        }
    }

    /// The history of a registration that a flush ended: it has ended as often as it has begun.
    pub(crate) fn closed(registration: &Registration, second: UnixSeconds) -> Self {
        Self {
            second,
            contact: registration.original_contact.clone(),
            node: registration.registrar_node.clone(),
            balance: Balance::Closed,
        }
    }

    /// The same history when all events of that second that still arrive are newer than the flush;
    /// `None` if no flush ended the binding, or more was heard since.
    pub fn reopened(&self) -> Option<Self> {
        (self.balance == Balance::Closed).then(|| Self {
            balance: Balance::Reopened,
            ..self.clone()
        })
    }

    /// The balance, if it is of this second and of the report's binding.
    pub(crate) fn balance_at(&self, time: UnixSeconds, report: &Report) -> Option<i8> {
        match self.balance {
            _ if self.second != time || !self.is_of(report) => None,
            Balance::Counted(balance) => Some(balance),
            Balance::Closed => Some(0),
            Balance::Reopened => None,
        }
    }

    /// The same history with an event that came too late to be judged by itself.
    pub(crate) fn with_late(&self, time: UnixSeconds, report: &Report, change: i8) -> Option<Self> {
        let recent = self.second.0.saturating_sub(time.0) <= LATE;
        let balance = match self.balance {
            Balance::Counted(balance) => balance,
            Balance::Closed => 0,
            Balance::Reopened => return None,
        };
        (recent && change != 0 && self.is_of(report)).then(|| Self {
            balance: Balance::Counted(balance.saturating_add(change)),
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
pub fn same_binding<T: AsRef<str>>(registration: &Registration<T>, report: &Report) -> bool {
    same_contact(registration.original_contact.as_ref(), &report.contact)
        && same_node(registration, report)
}

/// Whether a report comes from the proxy that holds the registration.
pub(crate) fn same_node<T: AsRef<str>>(registration: &Registration<T>, report: &Report) -> bool {
    may_be_same_node(
        registration.registrar_node.as_ref(),
        report.registrar_node.as_ref(),
    )
}

/// Whether two contacts have the same bare URI; `;expires=` behind it does not count.
pub(crate) fn same_contact(one: &str, other: &str) -> bool {
    one == other || addr_spec(one) == addr_spec(other)
}

fn may_be_same_node<T: AsRef<str>>(one: Option<&T>, other: Option<&Text>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => *one.as_ref() == **other,
        _ => true,
    }
}
