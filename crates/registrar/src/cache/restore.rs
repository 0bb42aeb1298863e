//! Entries of a snapshot, taken in.

use std::sync::Arc;

use registration::Decision;

use super::{
    change::{Change, ChangeKind},
    entry::{Entry, EntryRef},
    live::Cache,
};

/// An entry that a snapshot held, ready to be inserted.
pub struct RestoredEntry(Arc<Entry>);

impl RestoredEntry {
    pub(crate) fn new(entry: Entry) -> Self {
        Self(Arc::new(entry))
    }
}

impl Cache {
    /// Inserts an entry that a snapshot held, if it has not ended and nothing newer is known of its
    /// AOR. True if it was inserted.
    pub fn restore(&self, restored: &RestoredEntry) -> bool {
        self.insert_if_unknown(&restored.0).unwrap_or_else(|| {
            let registration = EntryRef::new(Arc::clone(&restored.0)).registration();
            matches!(self.merge(&registration), Decision::Store(..))
        })
    }

    /// Inserts an entry whose AOR is not known; `None` if it is known. False if the entry has ended or
    /// there is no room for it.
    fn insert_if_unknown(&self, entry: &Arc<Entry>) -> Option<bool> {
        let aor = entry.aor();
        let locked = self.lock(aor);
        if self.live.contains_key(aor) || self.ended.get(aor, locked.now).is_some() {
            return None;
        }
        let peers = || self.index.peers_of(entry.account());
        if !entry.is_live(locked.now) || self.load.refuses(self.capacity, peers).is_some() {
            return Some(false);
        }
        self.insert(&locked, None, entry);
        let restored = EntryRef::new(Arc::clone(entry));
        self.changes
            .record(|| Change::new(ChangeKind::Restored, None, Some(restored)));
        Some(true)
    }
}
