//! Hits and misses of the caches of tokens and keys.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Hits and misses of a cache; clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct CacheCounts(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl CacheCounts {
    /// Counts a look-up, and whether it was `asked` for.
    pub(super) fn count(&self, asked: bool) {
        let count = if asked { &self.0.misses } else { &self.0.hits };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Look-ups that were cached, or being asked for already.
    pub fn hits(&self) -> u64 {
        self.0.hits.load(Ordering::Relaxed)
    }

    /// Look-ups that had to be asked for.
    pub fn misses(&self) -> u64 {
        self.0.misses.load(Ordering::Relaxed)
    }
}
