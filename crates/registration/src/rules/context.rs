//! What a report is judged by.

use super::history::BindingHistory;
use crate::{Registration, Text, UnixMillis, Zone};

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

/// What is known when a report of an AOR arrives.
#[derive(Clone, Copy, Debug)]
pub struct DecisionContext<'a> {
    /// The AOR's live registration.
    pub live: Option<&'a Registration>,
    /// When its binding last began or ended.
    pub history: Option<&'a BindingHistory>,
    /// Zone the report was heard in.
    pub zone: &'a Zone,
    /// The rules' settings.
    pub policy: &'a Policy,
    /// The present.
    pub now: UnixMillis,
    /// The report may have been applied before: the broker delivers again what was not acknowledged.
    pub redelivered: bool,
    /// All registrations are known, so that an AOR that is not known was not registered.
    pub complete: bool,
}
