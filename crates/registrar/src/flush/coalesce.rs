//! Publishes a flush once for all who order it at the same time.
//!
//! An order that comes while the flush is on its way cannot share it, since phones may have registered
//! after it left. All orders that come meanwhile share the next one. So there is at most one on its
//! way and one to come.

use std::{collections::HashMap, sync::Arc};

use kapi::Flush;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::bus::Receipt;

/// Orders by flush.
#[derive(Default)]
pub(crate) struct Coalesce(Mutex<HashMap<Flush, Arc<Line>>>);

/// The orders of one flush.
#[derive(Default)]
struct Line {
    /// Held while publishing; fair, so no order waits for more than two rounds.
    turn: tokio::sync::Mutex<()>,
    /// The round that an order shares if it comes now.
    next: Mutex<Arc<OnceCell<Receipt>>>,
}

impl Coalesce {
    /// Publishes, or waits for a publication that began after this call. If the call that publishes is
    /// dropped, the next in line does it.
    pub(crate) async fn publish(
        &self,
        flush: &Flush,
        publish: impl Future<Output = Receipt>,
    ) -> Receipt {
        let line = Arc::clone(self.0.lock().entry(flush.clone()).or_default());
        let round = Arc::clone(&line.next.lock());
        let receipt = {
            let _turn = line.turn.lock().await;
            let publishing = async {
                // From here on it is too late to share this round.
                *line.next.lock() = Arc::default();
                publish.await
            };
            round.get_or_init(|| publishing).await.clone()
        };
        let mut lines = self.0.lock();
        // Ours and the map's: no other order is in line.
        if Arc::strong_count(&line) <= 2 {
            lines.remove(flush);
        }
        receipt
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    fn flush(realm: &str) -> Flush {
        Flush {
            realm: realm.into(),
            username: None,
            cache_only: false,
        }
    }

    #[tokio::test]
    async fn a_hundred_at_once_are_two_publications() {
        let (coalesce, published) = (Coalesce::default(), AtomicUsize::new(0));
        let (gate, realm) = (Semaphore::new(0), flush("a"));
        let asks = (0..100).map(|_| {
            coalesce.publish(&realm, async {
                published.fetch_add(1, Ordering::Relaxed);
                gate.acquire().await.unwrap().forget();
                Receipt::default()
            })
        });

        let opening = async {
            // The first is on its way, and waits; all others have come.
            while published.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            gate.add_permits(100);
        };
        tokio::join!(join_all(asks), opening);
        assert_eq!(published.load(Ordering::Relaxed), 2);
        assert!(coalesce.0.lock().is_empty());
    }

    #[tokio::test]
    async fn one_after_the_other_are_two_publications() {
        let (coalesce, published) = (Coalesce::default(), AtomicUsize::new(0));
        for realm in ["a", "a", "b"] {
            coalesce
                .publish(&flush(realm), async {
                    published.fetch_add(1, Ordering::Relaxed);
                    Receipt::default()
                })
                .await;
        }
        assert_eq!(published.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn who_is_dropped_leaves_the_line_to_the_next() {
        let coalesce = Coalesce::default();
        let flush = flush("a");
        let stuck = coalesce.publish(&flush, std::future::pending());
        let limit = std::time::Duration::from_millis(10);
        tokio::time::timeout(limit, stuck).await.unwrap_err();
        coalesce.publish(&flush, async { Receipt::default() }).await;
        assert!(coalesce.0.lock().is_empty());
    }
}
