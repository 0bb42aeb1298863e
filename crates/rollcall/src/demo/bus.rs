//! RabbitMQ's stand-in: every publication goes to the consumer, and flushes to every proxy.

use std::sync::Arc;

use registrar::{Bus, BusFuture, Publication, PublishFailure, Receipt};
use registration::Zone;
use tokio::sync::{broadcast, mpsc};

/// How many messages wait at most; publishers wait when there are more.
const CAPACITY: usize = 1_024;

/// The bus that publishers hold.
pub(super) struct LocalBus {
    consumer: mpsc::Sender<Arc<[u8]>>,
    proxies: broadcast::Sender<Arc<[u8]>>,
}

impl LocalBus {
    /// The bus, and what the consumer receives.
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<Arc<[u8]>>) {
        let (consumer, deliveries) = mpsc::channel(CAPACITY);
        let (proxies, _) = broadcast::channel(CAPACITY);
        (Arc::new(Self { consumer, proxies }), deliveries)
    }

    /// What a proxy hears: every flush.
    pub(super) fn flushes(&self) -> broadcast::Receiver<Arc<[u8]>> {
        self.proxies.subscribe()
    }

    /// Publishes a proxy's event. False once the consumer is gone.
    pub(super) async fn publish_event(&self, body: Vec<u8>) -> bool {
        self.consumer.send(body.into()).await.is_ok()
    }
}

impl Bus for LocalBus {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        Box::pin(async move {
            let mut receipt = Receipt::default();
            let body: Arc<[u8]> = publication.body.as_slice().into();
            let zone = Zone::new("demo");
            // A broker would route it to our own queue as well.
            if self.consumer.send(Arc::clone(&body)).await.is_ok() {
                // A flush that no proxy hears is no failure: a broker confirms it, too.
                let _ = self.proxies.send(body);
                receipt.confirmed.push(zone);
            } else {
                let failure = PublishFailure::Failed("the demo is stopping".into());
                receipt.missing.push((zone, failure));
            }
            receipt
        })
    }
}
