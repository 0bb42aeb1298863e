//! Flushes that have to be sent twice.
//!
//! A proxy looks up what to flush in its database, which it writes every five seconds: what it has
//! not written yet it does not find, and the phone stays registered there.

use std::{sync::Arc, time::Duration};

use registration::{Aor, Clock, Registration, UnixMillis, check_flushable};
use tokio::sync::{Mutex, mpsc};

/// What is younger may not be in the proxies' databases.
const YOUNG_SECONDS: u64 = 6;
/// After this it is. A second more, since an event's time is cut to seconds.
const FINDABLE_SECONDS: u64 = YOUNG_SECONDS + 1;
/// How many may wait; a flush of more is not repeated for the rest.
const MAX_WAITING: usize = 100_000;

/// AORs to be flushed again, each not before its time.
pub(crate) struct Repeats {
    sender: mpsc::Sender<(UnixMillis, Aor)>,
    receiver: Mutex<mpsc::Receiver<(UnixMillis, Aor)>>,
}

impl Default for Repeats {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        Self {
            sender,
            receiver: Mutex::new(receiver),
        }
    }
}

impl Repeats {
    /// Takes up those of `flushed` that are too young to be found. Returns how many.
    pub(crate) fn take_up(&self, flushed: &[Arc<Registration>], now: UnixMillis) -> usize {
        let young = |r: &&Arc<Registration>| {
            now < r.last_registration.millis().plus_seconds(YOUNG_SECONDS)
                && check_flushable(&r.username).is_ok()
                && check_flushable(&r.realm).is_ok()
        };
        let due = |r: &Registration| r.last_registration.millis().plus_seconds(FINDABLE_SECONDS);
        flushed
            .iter()
            .filter(young)
            .filter(|r| self.sender.try_send((due(r), r.aor())).is_ok())
            .count()
    }

    /// The next, when it is due.
    pub(crate) async fn next(&self, clock: &dyn Clock) -> Option<Aor> {
        let (due, aor) = self.receiver.lock().await.recv().await?;
        let wait = due.0.saturating_sub(clock.now().0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        Some(aor)
    }
}
