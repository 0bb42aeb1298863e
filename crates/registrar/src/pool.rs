//! Values that many registrations share, each held once.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, Hash},
    sync::Arc,
};

use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;

const SHARDS: usize = 64;

/// What is shared, for as long as somebody has a share in it.
pub(crate) struct Pool<T> {
    shards: [Mutex<HashSet<Arc<T>, DefaultHashBuilder>>; SHARDS],
    hasher: DefaultHashBuilder,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<T: Eq + Hash> Pool<T> {
    /// The one that equals `value`.
    pub(crate) fn share(&self, value: T) -> Arc<T> {
        let mut shard = self.shard(&value).lock();
        if let Some(held) = shard.get(&value) {
            return Arc::clone(held);
        }
        let held = Arc::new(value);
        shard.insert(Arc::clone(&held));
        held
    }

    /// Forgets what nobody has a share in any more, in one part of the pool after the other.
    pub(crate) fn sweep(&self, turn: usize) {
        if let Some(shard) = self.shards.get(turn % SHARDS) {
            let mut shard = shard.lock();
            shard.retain(|held| Arc::strong_count(held) > 1);
            // What a flood has left behind is given back.
            if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
                shard.shrink_to_fit();
            }
        }
    }

    fn shard(&self, value: &T) -> &Mutex<HashSet<Arc<T>, DefaultHashBuilder>> {
        let hash = usize::try_from(self.hasher.hash_one(value) >> 32).unwrap_or_default();
        let [first, ..] = &self.shards;
        self.shards.get(hash % SHARDS).unwrap_or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_go_with_the_last_share() {
        let pool = Pool::default();
        let (one, same) = (pool.share("a".to_owned()), pool.share("a".to_owned()));
        assert!(Arc::ptr_eq(&one, &same));
        let sweep = || (0..SHARDS).for_each(|turn| pool.sweep(turn));
        let held = || {
            pool.shards
                .iter()
                .map(|shard| shard.lock().len())
                .sum::<usize>()
        };
        sweep();
        assert_eq!(held(), 1, "somebody has it");
        drop((one, same));
        sweep();
        assert_eq!(held(), 0);
    }
}
