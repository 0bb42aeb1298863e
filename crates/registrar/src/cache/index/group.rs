//! The entries of one account in one realm.

use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
    sync::Arc,
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use registration::UnixMillis;

use crate::cache::entry::{AccountFields, Entry};

/// Entries that are found by the same keys of the index. Lock order: a map of the index, then a group.
pub(in crate::cache) struct Group {
    fields: Arc<AccountFields>,
    members: Mutex<Members>,
}

struct Members {
    entries: HashSet<ByAddress, RandomState>,
    /// None of them ends before this: a refresh only puts an end off.
    none_ends_before: UnixMillis,
}

/// An entry that equals only itself.
struct ByAddress(Arc<Entry>);

impl PartialEq for ByAddress {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ByAddress {}

impl Hash for ByAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Group {
    pub(in crate::cache) fn new(entry: &Arc<Entry>) -> Self {
        let group = Self {
            fields: Arc::clone(entry.account()),
            members: Mutex::new(Members {
                entries: HashSet::default(),
                none_ends_before: UnixMillis(u64::MAX),
            }),
        };
        group.insert(entry);
        group
    }

    /// The keys of its members, and what else a member has in common with its account.
    pub(in crate::cache) fn fields(&self) -> &AccountFields {
        &self.fields
    }

    /// Whether entries with these fields belong into it.
    pub(in crate::cache) fn is_of(&self, fields: &AccountFields) -> bool {
        self.fields.has_keys_of(fields)
    }

    /// Adds a member.
    pub(in crate::cache) fn insert(&self, entry: &Arc<Entry>) {
        self.members.lock().insert(entry);
    }

    /// Puts `new` in the place of `old`, as one step; false if `old` is not a member.
    pub(in crate::cache) fn replace(&self, old: &Arc<Entry>, new: &Arc<Entry>) -> bool {
        let mut members = self.members.lock();
        let is_member = members.remove(old);
        if is_member {
            members.insert(new);
        }
        is_member
    }

    /// Removes a member; returns whether it was the last.
    pub(in crate::cache) fn remove(&self, entry: &Arc<Entry>) -> bool {
        let mut members = self.members.lock();
        members.remove(entry);
        members.entries.is_empty()
    }

    /// How many members it has; those that have ended count until they are swept.
    pub(in crate::cache) fn len(&self) -> usize {
        self.members.lock().entries.len()
    }

    /// How many members live. Looks at each only where one may have ended.
    pub(in crate::cache) fn count(&self, now: UnixMillis) -> usize {
        let mut members = self.members.lock();
        if now < members.none_ends_before {
            return members.entries.len();
        }
        let ends = || members.entries.iter().map(|member| member.0.end());
        let live = ends().filter(|end| now < *end).count();
        members.none_ends_before = ends().min().unwrap_or(UnixMillis(u64::MAX));
        live
    }

    /// Appends the members that live.
    pub(in crate::cache) fn collect(&self, now: UnixMillis, found: &mut Vec<Arc<Entry>>) {
        let members = self.members.lock();
        found.reserve(members.entries.len());
        let live = members
            .entries
            .iter()
            .filter(|member| member.0.is_live(now));
        found.extend(live.map(|member| Arc::clone(&member.0)));
    }
}

impl Members {
    fn insert(&mut self, entry: &Arc<Entry>) {
        self.none_ends_before = self.none_ends_before.min(entry.end());
        self.entries.insert(ByAddress(Arc::clone(entry)));
    }

    fn remove(&mut self, entry: &Arc<Entry>) -> bool {
        let is_member = self.entries.remove(&ByAddress(Arc::clone(entry)));
        // A group that was large once gives its memory back.
        if self.entries.capacity() > 64 && self.entries.len() < self.entries.capacity() / 8 {
            self.entries.shrink_to_fit();
        }
        is_member
    }
}
