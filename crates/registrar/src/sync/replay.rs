//! The proxies' replays of what they hold.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kapi::{REGISTRAR_EXCHANGE, SYNC_KEY, encode_sync};
use registration::Zone;
use tokio::{sync::Notify, time::timeout};

use crate::{bus::Publication, context::Context};

/// A replay has no end mark. It ends when none of it has come for so long.
pub(super) const QUIET: Duration = Duration::from_secs(2);

/// Asks for replays, and notes when they come.
pub(crate) struct Replay {
    context: Arc<Context>,
    came: Notify,
    bindings: AtomicU64,
}

impl Replay {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            came: Notify::new(),
            bindings: AtomicU64::new(0),
        }
    }

    /// Asks the proxies to replay what they hold. False if the broker did not take the request.
    pub(super) async fn request(&self, zone: &Zone) -> bool {
        let sync = Publication {
            zone: Some(zone.clone()),
            exchange: REGISTRAR_EXCHANGE,
            routing_key: SYNC_KEY.to_owned(),
            body: encode_sync(&self.context.settings.identity),
            mandatory: false,
        };
        self.context.bus.publish(&sync).await.missing.is_empty()
    }

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
