//! What is changed by order, or by what is learnt later, rather than by a report.

use registration::{Aor, Balance, Ledger, Registration};

use super::{Table, ledger, live};
use crate::{held::Held, slot::Slot};

impl Table {
    /// Takes the AOR's registration out if it is one that `wanted` names. Returns it if it was live.
    pub fn take_out(
        &self,
        username: &str,
        realm: &str,
        wanted: impl FnOnce(&Held) -> bool,
    ) -> Option<Held> {
        let mut place = self.place(username, realm);
        let slot = place.held().filter(|held| held.is_live(place.now))?;
        let found = Held::new(slot.clone());
        if !wanted(&found) {
            return None;
        }
        // A refresh of the second that it was taken out in must not bring it back.
        let (contact, node) = slot.binding();
        let ledger = Ledger::of(found.last_registration(), contact, node, Balance::Closed);
        self.put(&mut place, Some(&slot), None, Some(&ledger), 0);
        Some(found)
    }

    /// Lets an AOR that was taken out register again in the very second that it was taken out in:
    /// what is heard of it from now on was told afterwards.
    pub fn reopen(&self, aor: &Aor) {
        let mut place = self.place(aor.username(), aor.realm());
        let held = place.held();
        let live = live(held.as_ref(), place.now);
        let ledger = ledger(held.as_ref(), live.as_ref());
        if let Some(ledger) = ledger.as_ref().and_then(Ledger::reopened) {
            let fingerprint = held.as_ref().map_or(0, Slot::fingerprint);
            self.put(
                &mut place,
                held.as_ref(),
                live.as_ref(),
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
    ) -> Option<(Held, Held)> {
        let mut place = self.place(aor.username(), aor.realm());
        let slot = place.held()?;
        let before = live(Some(&slot), place.now)?;
        let after = amended(&before)?;
        let ledger = ledger(Some(&slot), Some(&before));
        let put = self.put(&mut place, Some(&slot), Some(&after), ledger.as_ref(), 0);
        Some((Held::new(slot), Held::new(put)))
    }
}
