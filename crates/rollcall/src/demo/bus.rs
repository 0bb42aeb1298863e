//! RabbitMQ's stand-in: what anyone publishes goes to the consumer, and flushes to every proxy.

use std::sync::Arc;

use registrar::{Bus, BusFuture, Publication, PublishFailure, Receipt};
use registration::Zone;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

/// How many messages wait at most; publishers wait when there are more.
const CAPACITY: usize = 1_024;

/// The bus that publishers hold.
pub(super) struct LocalBus {
    consumer: mpsc::Sender<Arc<[u8]>>,
    proxies: broadcast::Sender<Arc<[u8]>>,
}

/// The consumer's end.
pub(super) struct Deliveries(mpsc::Receiver<Arc<[u8]>>);

impl LocalBus {
    pub(super) fn new() -> (Arc<Self>, Deliveries) {
        let (consumer, deliveries) = mpsc::channel(CAPACITY);
        let (proxies, _) = broadcast::channel(CAPACITY);
        (Arc::new(Self { consumer, proxies }), Deliveries(deliveries))
    }

    /// What a proxy hears: every flush.
    pub(super) fn flushes(&self) -> broadcast::Receiver<Arc<[u8]>> {
        self.proxies.subscribe()
    }

    /// What a proxy says: an event for the consumer. False once nobody listens any more.
    pub(super) async fn publish_event(&self, body: Vec<u8>) -> bool {
        self.consumer.send(body.into()).await.is_ok()
    }
}

impl Bus for LocalBus {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        Box::pin(async move {
            let body: Arc<[u8]> = publication.body.as_slice().into();
            let zone = Zone::new("demo");
            // A broker would route it to our own queue as well.
            if self.consumer.send(Arc::clone(&body)).await.is_err() {
                return Receipt {
                    confirmed: vec![],
                    missing: vec![(zone, PublishFailure::Failed("the demo is stopping".into()))],
                };
            }
            // No proxy listening is no failure: a broker confirms what it cannot route, too.
            let _ = self.proxies.send(body);
            Receipt {
                confirmed: vec![zone],
                missing: vec![],
            }
        })
    }
}

impl Deliveries {
    /// Hands every message to `deliver`, in order, until the stop.
    pub(super) async fn pump(
        mut self,
        zone: Zone,
        deliver: impl Fn(&Zone, &[u8]),
        stop: CancellationToken,
    ) {
        while let Some(Some(body)) = stop.run_until_cancelled(self.0.recv()).await {
            deliver(&zone, &body);
        }
    }
}
