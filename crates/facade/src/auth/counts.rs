//! Hits and misses of the caches of tokens and keys.

use prometheus_client::metrics::counter::Counter;

/// Hits and misses of a cache; clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct CacheCounts {
    hits: Counter,
    misses: Counter,
}

impl CacheCounts {
    /// Counts a look-up, and whether it was `asked` for.
    pub(super) fn count(&self, asked: bool) {
        let counter = if asked { &self.misses } else { &self.hits };
        counter.inc();
    }

    /// Look-ups that were cached, or being asked for already.
    pub fn hits(&self) -> u64 {
        self.hits.get()
    }

    /// Look-ups that had to be asked for.
    pub fn misses(&self) -> u64 {
        self.misses.get()
    }
}
