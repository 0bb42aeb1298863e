//! The proxies' replays of what they hold, as far as they have come.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

/// A replay has no end mark. It ends when none of it has come for so long.
pub(super) const QUIET: Duration = Duration::from_secs(2);

/// Notes when replayed bindings come.
#[derive(Default)]
pub(crate) struct Replay {
    came: Notify,
    bindings: AtomicU64,
}

impl Replay {
    /// Notes a replayed binding.
    pub(crate) fn heard(&self) {
        self.bindings.fetch_add(1, Ordering::Relaxed);
        self.came.notify_waiters();
    }

    /// How many bindings were replayed since the start.
    pub(super) fn bindings(&self) -> u64 {
        self.bindings.load(Ordering::Relaxed)
    }

    /// Waits for the end of a replay.
    pub(super) async fn quiet(&self) {
        while timeout(QUIET, self.came.notified()).await.is_ok() {}
    }
}
