//! Answers to other nodes' questions, each made in a task of its own: the inbox waits for none.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

/// The most answers that are prepared at once; further questions wait.
const MAX_ANSWERING: usize = 4;
/// Questions that are being answered or wait for it; further ones are dropped.
const MAX_OPEN: usize = 1_000;
/// How long a question may wait: its asker gives up after two seconds.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Bounds how many questions are answered at once.
pub(crate) struct Answering {
    open: Arc<Semaphore>,
    small: Arc<Semaphore>,
    /// One at a time: each is as large as the cache, several times over until it is sent.
    large: Arc<Semaphore>,
}

impl Default for Answering {
    fn default() -> Self {
        Self {
            open: Arc::new(Semaphore::new(MAX_OPEN)),
            small: Arc::new(Semaphore::new(MAX_ANSWERING)),
            large: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Answering {
    /// Spawns a task that makes an answer in its turn. False if too many wait already.
    pub(crate) fn spawn(
        &self,
        is_large: bool,
        answer: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        let Ok(open) = Arc::clone(&self.open).try_acquire_owned() else {
            return false;
        };
        let turns = if is_large { &self.large } else { &self.small };
        let turn = Arc::clone(turns).acquire_owned();
        tokio::spawn(async move {
            let turn = timeout(MAX_WAIT, turn).await;
            if turn.is_ok() {
                answer.await;
            }
            drop(open);
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Answers to our own questions come through the same inbox, and must not wait for them.
    #[tokio::test]
    async fn large_answers_hold_up_nothing_else() {
        let answering = Answering::default();
        for _ in 0..10 {
            assert!(answering.spawn(true, pending()));
        }
        let (sender, answered) = oneshot::channel();
        assert!(answering.spawn(false, async { sender.send(()).unwrap() }));
        timeout(PATIENCE, answered).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn questions_beyond_the_bound_are_dropped() {
        let answering = Answering::default();
        for _ in 0..MAX_OPEN {
            assert!(answering.spawn(false, pending()));
        }
        assert!(!answering.spawn(false, pending()));
    }
}
