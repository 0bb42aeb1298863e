//! Slots by AOR, in parts that change independently of each other.

use std::hash::BuildHasher as _;

use hashbrown::DefaultHashBuilder;
use parking_lot::{Mutex, MutexGuard};
use registration::Aor;

use super::lines::Lines;
use crate::slot::Slot;

const SHARDS: usize = 256;

/// One part.
pub(super) type Shard = Lines<Slot>;

pub(super) struct Shards {
    parts: [Mutex<Shard>; SHARDS],
    hasher: DefaultHashBuilder,
}

impl Shards {
    pub(super) fn new() -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Of an AOR in any case.
    pub(super) fn hash(&self, username: &str, realm: &str) -> u64 {
        let mut folded = [0; 128];
        let length = username.len() + realm.len() + 1;
        if let Some(folded) = folded.get_mut(..length) {
            let (name, rest) = folded.split_at_mut(username.len());
            name.copy_from_slice(username.as_bytes());
            if let [at, rest @ ..] = rest {
                *at = b'@';
                rest.copy_from_slice(realm.as_bytes());
            }
            folded.make_ascii_lowercase();
            return self.hasher.hash_one(&*folded);
        }
        self.hasher
            .hash_one(Aor::new(username, realm).as_str().as_bytes())
    }

    /// Of a slot's AOR.
    pub(super) fn hash_of(&self, slot: &Slot) -> u64 {
        self.hash(&slot.username(), slot.realm())
    }

    /// The part that has what hashes to this.
    #[expect(clippy::indexing_slicing, reason = "there is a part for every byte")]
    pub(super) fn lock(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // Within a part the high bits and the low ones tell slots apart.
        let [_, _, _, at, ..] = hash.to_le_bytes();
        self.parts[usize::from(at)].lock()
    }

    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.parts.iter().map(Mutex::lock)
    }

    /// Makes room for so many more: a part that grows looks at all it holds.
    pub(super) fn reserve(&self, more: usize) {
        // They are not spread quite evenly.
        let each = more / SHARDS + more / SHARDS / 8;
        for mut part in self.each() {
            part.reserve(each, |slot| self.hash_of(slot));
        }
    }
}
