//! What a report is judged by, and what comes of it.

use registration::{Circumstances, Decision, Policy, UnixMillis, Zone};

use crate::held::Held;

/// Where a report came from and what it is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Hearing<'a> {
    /// Zone it was heard in.
    pub zone: &'a Zone,
    /// The rules' settings.
    pub policy: &'a Policy,
    /// It may have been applied before.
    pub redelivered: bool,
    /// Whoever is registered is in the table.
    pub complete: bool,
    /// What a later message that says the same will have too; 0 for none.
    pub fingerprint: u64,
}

impl<'a> Hearing<'a> {
    pub(super) fn at(self, now: UnixMillis) -> Circumstances<'a> {
        Circumstances {
            zone: self.zone,
            policy: self.policy,
            now,
            redelivered: self.redelivered,
            complete: self.complete,
        }
    }
}

/// What was decided of a report, and the AOR's live registration before and after.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What was decided.
    pub decision: Decision,
    /// What was there.
    pub before: Option<Held>,
    /// What is there now.
    pub after: Option<Held>,
}
