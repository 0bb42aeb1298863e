//! A lock for each AOR.

use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use parking_lot::{Mutex, MutexGuard};
use registration::Aor;

/// AORs that share a lock wait for each other, so there are far more locks than threads.
const STRIPES: usize = 4096;

/// Locks of AORs. Lock order: AOR, moka, index, changes.
pub(super) struct AorLocks {
    stripes: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for AorLocks {
    fn default() -> Self {
        Self {
            stripes: std::iter::repeat_with(Mutex::default)
                .take(STRIPES)
                .collect(),
            hasher: RandomState::default(),
        }
    }
}

impl AorLocks {
    /// Locks an AOR. One thread holds one such lock at a time.
    pub(super) fn lock(&self, aor: &Aor) -> MutexGuard<'_, ()> {
        let hash = self.hasher.hash_one(aor);
        let stripe = usize::try_from(hash % STRIPES as u64).unwrap_or_default();
        #[expect(
            clippy::indexing_slicing,
            reason = "a remainder is less than its divisor"
        )]
        self.stripes[stripe].lock()
    }
}
