//! What is asked of the table: by AOR, by account and realm, and all of it.

use std::sync::Arc;

use parking_lot::MutexGuard;
use registration::{AccountId, Aor, Registration, Text, UnixSeconds};

use super::{Table, shards::Shard};
use crate::{held::Held, index::GroupRef, shared::Owner, slot::Slot};

/// By which key a slot was found.
#[derive(Clone, Copy)]
enum Found {
    ByAccount,
    ByRealm,
}

/// Tells whether what was found is so still.
pub struct Mark {
    groups: Vec<(GroupRef, u64)>,
    owners: Vec<(Arc<Owner>, u64)>,
    /// When the first of them ends.
    until: UnixSeconds,
}

/// Owners, each once, with how many refreshes they had counted when the first was looked at.
#[derive(Default)]
struct Owners(Vec<(Arc<Owner>, u64)>);

impl Owners {
    /// Notes whose a slot is, and has it watched from then on.
    fn watch(&mut self, slot: &Slot) {
        let owner = slot.owner();
        // Nearly all of a group have the same.
        if !self
            .0
            .iter()
            .rev()
            .any(|(known, _)| Arc::ptr_eq(known, owner))
        {
            self.0.push((Arc::clone(owner), owner.refreshes.get()));
        }
        slot.watch();
    }
}

impl Table {
    /// The live registration of an AOR.
    pub fn get(&self, aor: &Aor) -> Option<Arc<Registration>> {
        self.look_up(aor).map(|held| Arc::new(held.registration()))
    }

    /// The same as the table holds it.
    pub fn look_up(&self, aor: &Aor) -> Option<Held> {
        let place = self.place(aor.username(), aor.realm());
        let held = place.held().filter(|held| held.is_live(place.now));
        held.map(Held::new)
    }

    /// The groups of an account, then those of realms that are not of the account, and which of the
    /// two each is. One that is found by several realms is there for each.
    fn groups(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
    ) -> impl Iterator<Item = (Found, GroupRef)> {
        let own = account.map(|account| self.index.of_account(account));
        let own = own.into_iter().flatten();
        let of_realms = realms.iter();
        let beyond = of_realms.flat_map(|realm| self.index.of_realm(realm.as_ref()));
        let beyond = beyond.filter(move |group| account.is_none() || group.account() != account);
        own.map(|group| (Found::ByAccount, group))
            .chain(beyond.map(|group| (Found::ByRealm, group)))
    }

    /// The live registrations of an account and of realms, each once, in no order.
    pub fn find(&self, account: Option<&AccountId>, realms: &[impl AsRef<str>]) -> Vec<Held> {
        self.look(account, realms, |_, _| {}, |_| {})
    }

    /// Those of [`Table::find`] that have a username, in any case. They are looked up by their AORs:
    /// it does not matter how many others there are.
    pub fn find_named(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
        username: &str,
    ) -> Vec<Held> {
        let mut found: Vec<Held> = Vec::new();
        for (_, group) in self.groups(account, realms) {
            let is_known = |held: &Held| held.realm().eq_ignore_ascii_case(group.folded_realm());
            if found.iter().any(is_known) {
                continue;
            }
            let place = self.place(username, group.folded_realm());
            let is_it = |slot: &Slot| slot.is_live(place.now) && group.is_of(slot);
            found.extend(place.held().filter(is_it).map(Held::new));
        }
        found
    }

    /// Those of a realm, or whose account has it; those of a username, in any case, or all.
    pub fn find_in(&self, realm: &str, username: Option<&str>) -> Vec<Held> {
        match username {
            Some(username) => self.find_named(None, &[realm], username),
            None => self.find(None, &[realm]),
        }
    }

    /// The same as [`Table::find`], and what tells whether it still is.
    pub fn find_marked(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
    ) -> (Vec<Held>, Mark) {
        let (mut groups, mut owners) = (Vec::new(), Owners::default());
        let found = self.look(
            account,
            realms,
            |group, changes| groups.push((GroupRef::clone(group), changes)),
            |slot| owners.watch(slot),
        );
        let ends = found.iter().map(|held| held.times().end());
        let until = ends.min().unwrap_or(u64::MAX);
        let mark = Mark {
            groups,
            owners: owners.0,
            until: UnixSeconds(until),
        };
        (found, mark)
    }

    /// Goes through the groups and their live slots; notes each before it is looked at, so that
    /// whatever changes later is seen to have changed.
    fn look(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
        mut note_group: impl FnMut(&GroupRef, u64),
        mut note: impl FnMut(&Slot),
    ) -> Vec<Held> {
        let now = self.clock.now();
        let (mut found, mut beyond) = (Vec::new(), Vec::new());
        for (how, group) in self.groups(account, realms) {
            note_group(&group, group.changes());
            let of = match how {
                Found::ByAccount => &mut found,
                Found::ByRealm => &mut beyond,
            };
            of.reserve(group.len());
            group.each(|slot| {
                note(slot);
                if slot.is_live(now) {
                    of.push(Held::new(slot.clone()));
                }
            });
        }
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

    /// Whether [`Table::find`] would find the same as when this was marked, in the same order and
    /// unchanged. Takes far less than finding it; may say no where it would.
    pub fn is_as_marked(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
        mark: &Mark,
    ) -> bool {
        let (mut marked, mut are_same) = (mark.groups.iter(), true);
        let mut compare = |group: &GroupRef| {
            are_same &= marked.next().is_some_and(|(same, changes)| {
                GroupRef::ptr_eq(same, group) && *changes == group.changes()
            });
        };
        // In the order of `groups`.
        let others = (self.index).each_of_account(account, realms, &mut compare);
        for realm in others {
            self.index.each_of_realm(realm, account, &mut compare);
        }
        let mut owners = mark.owners.iter();
        are_same
            && marked.next().is_none()
            && owners.all(|(owner, refreshes)| *refreshes == owner.refreshes.get())
            && self.clock.now() < mark.until.millis()
    }

    /// How many [`Table::find`] finds.
    pub fn count(&self, account: Option<&AccountId>, realms: &[impl AsRef<str>]) -> usize {
        let now = self.clock.now();
        let (mut own, mut beyond) = (0, 0);
        let count = |group: &GroupRef| own += group.count(now);
        let others = self.index.each_of_account(account, realms, count);
        for realm in others {
            let count = |group: &GroupRef| beyond += group.count(now);
            self.index.each_of_realm(realm, account, count);
        }
        if beyond == 0 || own == 0 && realms.len() <= 1 {
            own + beyond
        } else {
            // Some may be found by more than one key.
            self.find(account, realms).len()
        }
    }

    /// Every realm that somebody is registered in, or whose account has it, lower-cased.
    pub fn realms(&self) -> Vec<Text> {
        self.index.realms()
    }

    /// The realms of accounts that had somebody registered, lower-cased.
    pub(crate) fn former_realms(&self) -> Vec<Text> {
        self.index.former_realms()
    }

    /// The realm that an account's phones have said, lower-cased.
    pub(crate) fn realm_of(&self, account: &AccountId) -> Option<Text> {
        self.index.realm_of(account)
    }

    /// Every live registration, in no order. Goes through the whole table.
    pub fn all(&self) -> Vec<Held> {
        self.all_as(|held| held)
    }

    /// The same, those of each owner together.
    pub(crate) fn all_by_owner(&self) -> impl Iterator<Item = Held> {
        let mut all = self.all_as(|held| (Arc::as_ptr(held.slot().owner()), held));
        all.sort_unstable_by_key(|(owner, _)| *owner);
        all.into_iter().map(|(_, held)| held)
    }

    fn all_as<T>(&self, each: impl Fn(Held) -> T) -> Vec<T> {
        let now = self.clock.now();
        let mut all = Vec::with_capacity(self.held());
        for shard in self.shards.each() {
            let live = shard.iter().filter(|slot| slot.is_live(now));
            all.extend(live.map(|slot| each(Held::new(slot.clone()))));
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
