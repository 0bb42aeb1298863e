//! What is asked of the table: by AOR, by account and realm, and all of it.

use std::sync::Arc;

use parking_lot::MutexGuard;
use registration::{AccountId, Aor, Registration, Text};

use super::{Table, shards::Shard};
use crate::{
    held::{Held, unpacked},
    slot::Slot,
};

/// By which key a slot was found.
#[derive(Clone, Copy)]
enum Found {
    ByAccount,
    ByRealm,
}

impl Table {
    /// The live registration of an AOR.
    pub fn get(&self, aor: &Aor) -> Option<Arc<Registration>> {
        let place = self.place(aor.username(), aor.realm());
        let held = place.held().filter(|held| held.is_live(place.now));
        drop(place.shard);
        held.map(|held| Arc::new(Held::new(held).registration()))
    }

    /// Shows the live slots of an account, then those of realms that are not of the account; says which
    /// of the two each is. One that is found by several realms is shown for each.
    fn each_live(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
        mut show: impl FnMut(Found, &Slot),
    ) {
        let now = self.clock.now();
        if let Some(account) = account {
            self.index.of_account(account, |slot| {
                if slot.is_live(now) {
                    show(Found::ByAccount, slot);
                }
            });
        }
        for realm in realms {
            self.index.of_realm(realm.as_ref(), |slot| {
                let known = account.is_some() && slot.owner().account.as_ref() == account;
                if !known && slot.is_live(now) {
                    show(Found::ByRealm, slot);
                }
            });
        }
    }

    /// The live registrations of an account and of realms, each once, in no order.
    pub fn find(&self, account: Option<&AccountId>, realms: &[impl AsRef<str>]) -> Vec<Held> {
        let (mut found, mut beyond) = (Vec::new(), Vec::new());
        self.each_live(account, realms, |how, slot| {
            let of = match how {
                Found::ByAccount => &mut found,
                Found::ByRealm => &mut beyond,
            };
            of.push(Held::new(slot.clone()));
        });
        if found.is_empty() && realms.len() <= 1 {
            return beyond;
        }
        if !beyond.is_empty() {
            found.append(&mut beyond);
            // By more than one key; or it changed from one to the other meanwhile.
            found.sort_by_cached_key(Held::aor);
            found.dedup_by_key(|held| held.aor());
        }
        found
    }

    /// Whether [`Table::find`] would find these again, in this order and unchanged. Takes far less than
    /// finding them; may say no where it would.
    pub fn finds_still(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
        found: &[Held],
    ) -> bool {
        let mut expected = found.iter();
        let mut are_same = true;
        self.each_live(account, realms, |_, slot| {
            are_same = are_same && expected.next().is_some_and(|held| held.is_still(slot));
        });
        are_same && expected.next().is_none()
    }

    /// How many [`Table::find`] finds.
    pub fn count(&self, account: Option<&AccountId>, realms: &[impl AsRef<str>]) -> usize {
        let now = self.clock.now();
        let own = account.map_or(0, |account| self.index.count_of_account(account, now));
        let of = |realm: &str| self.index.count_of_realm(realm, account, now);
        let beyond: usize = realms.iter().map(|realm| of(realm.as_ref())).sum();
        if beyond == 0 || own == 0 && realms.len() <= 1 {
            own + beyond
        } else {
            // Some may be found by more than one key.
            self.find(account, realms).len()
        }
    }

    /// The same as [`Table::find`], unpacked.
    pub fn select(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
    ) -> Vec<Arc<Registration>> {
        unpacked(&self.find(account, realms))
    }

    /// Every realm that somebody is registered in, or whose account has it, lower-cased.
    pub fn realms(&self) -> Vec<Text> {
        self.index.realms()
    }

    /// The realms of an account's registrations, lower-cased.
    pub(crate) fn realms_of(&self, account: &AccountId) -> Vec<Text> {
        self.index.realms_of(account)
    }

    /// Every live registration, in no order. Goes through the whole table.
    pub fn all(&self) -> Vec<Held> {
        let now = self.clock.now();
        let mut all = Vec::with_capacity(self.held());
        for shard in self.shards.each() {
            let live = shard.iter().filter(|slot| slot.is_live(now));
            all.extend(live.map(|slot| Held::new(slot.clone())));
        }
        all
    }

    /// How many live registrations there are. Goes through the whole table.
    pub fn len(&self) -> usize {
        let now = self.clock.now();
        let of =
            |slots: MutexGuard<'_, Shard>| slots.iter().filter(|slot| slot.is_live(now)).count();
        self.shards.each().map(of).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
