//! What is changed by order, or by what is learnt later, rather than by a report.

use std::sync::Arc;

use registration::{Aor, Ledger, Registration};

use super::{Table, ledger, live};
use crate::{held::Held, slot::Slot};

impl Table {
    /// Takes the AOR's registration out if it is one that `wanted` names. Returns it if it was live.
    pub fn remove_if(
        &self,
        aor: &Aor,
        wanted: impl Fn(&Registration) -> bool,
    ) -> Option<Arc<Registration>> {
        self.take_out(aor.username(), aor.realm(), |held| {
            wanted(&held.registration())
        })
    }

    pub(crate) fn take_out(
        &self,
        username: &str,
        realm: &str,
        wanted: impl FnOnce(&Held) -> bool,
    ) -> Option<Arc<Registration>> {
        let mut place = self.place(username, realm);
        let held = place.held().filter(|held| held.is_live(place.now))?;
        let found = Held::new(held.clone());
        if !wanted(&found) {
            return None;
        }
        let live = Arc::new(found.registration());
        // A refresh of the second that it was taken out in must not bring it back.
        let ledger = Ledger::closed(&live, live.last_registration);
        self.put(&mut place, Some(&held), None, Some(&ledger), 0);
        Some(live)
    }

    /// Lets an AOR that was taken out register again in the very second that it was taken out in:
    /// what is heard of it from now on was told afterwards.
    pub fn reopen(&self, aor: &Aor) {
        let mut place = self.place(aor.username(), aor.realm());
        let held = place.held();
        let live = live(held.as_ref(), place.now);
        let ledger = ledger(held.as_ref(), live.as_deref());
        if let Some(ledger) = ledger.as_ref().and_then(Ledger::reopened) {
            let fingerprint = held.as_ref().map_or(0, Slot::fingerprint);
            self.put(
                &mut place,
                held.as_ref(),
                live.as_deref(),
                Some(&ledger),
                fingerprint,
            );
        }
    }

    /// Puts what `amended` makes of a registration in its place. Returns what was there and what is.
    pub fn amend(
        &self,
        aor: &Aor,
        amended: impl Fn(&Registration) -> Option<Registration>,
    ) -> Option<(Arc<Registration>, Arc<Registration>)> {
        let mut place = self.place(aor.username(), aor.realm());
        let held = place.held();
        let before = live(held.as_ref(), place.now)?;
        let after = amended(&before).map(Arc::new)?;
        let ledger = ledger(held.as_ref(), Some(&before));
        self.put(&mut place, held.as_ref(), Some(&after), ledger.as_ref(), 0);
        Some((before, after))
    }
}
