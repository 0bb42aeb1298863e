//! How often what was learned of tokens and keys was remembered.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts of a cache, shared by who counts and who reads.
#[derive(Clone, Debug, Default)]
pub struct CacheCounts(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl CacheCounts {
    /// Notes that something was looked up, and whether it had to be asked for.
    pub(super) fn count(&self, asked: bool) {
        let slot = if asked { &self.0.misses } else { &self.0.hits };
        slot.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was remembered, or being asked for already.
    pub fn hits(&self) -> u64 {
        self.0.hits.load(Ordering::Relaxed)
    }

    /// How often it had to be asked for.
    pub fn misses(&self) -> u64 {
        self.0.misses.load(Ordering::Relaxed)
    }
}
