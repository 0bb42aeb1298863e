//! Events of realms that the broker does not know yet, where accounts are divided: each is handed to
//! its partition, and its realm is made known.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use lapin::{
    Channel, Connection, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};
use registrar::{Publication, Registrar, partition};
use registration::Zone;

use crate::{
    division::{EVENTS_EXCHANGE, STRAY_QUEUE, make_known, part, pattern},
    publisher::{PublishError, Publisher},
};

/// Few: what one member holds, the others cannot take.
const PREFETCH: u16 = 128;
/// Handed on at once.
const MAX_AT_ONCE: usize = 32;
/// How long to wait before a broker is asked again to take what it has refused.
const PAUSE: Duration = Duration::from_secs(1);
/// Patterns that are remembered as known; then all of them are forgotten and made known once more.
const MAX_KNOWN: usize = 500_000;

/// The consumer of strays, and what they go on by.
pub(crate) struct Strays {
    consumer: Consumer,
    channel: Channel,
    publisher: Publisher,
    limit: Duration,
    known: Mutex<HashSet<Box<str>>>,
}

impl Strays {
    /// Begins to consume. All members take from the same queue.
    pub(crate) async fn open(
        connection: &Connection,
        publisher: Publisher,
        limit: Duration,
    ) -> lapin::Result<Self> {
        let channel = connection.create_channel().await?;
        channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let options = BasicConsumeOptions::default();
        let consumer = channel
            .basic_consume(
                STRAY_QUEUE.into(),
                "".into(),
                options,
                FieldTable::default(),
            )
            .await?;
        Ok(Self {
            consumer,
            channel,
            publisher,
            limit,
            known: Mutex::default(),
        })
    }

    /// Hands on what comes, until the broker or the connection ends it; says why. What the table has
    /// is made known first: the broker may have forgotten.
    pub(crate) async fn serve(&mut self, zone: &Zone, registrar: &Registrar) -> String {
        let Self {
            consumer,
            channel,
            publisher,
            limit,
            known,
        } = self;
        let one = Relay {
            channel,
            publisher,
            limit: *limit,
            known,
            registrar,
        };
        let knowing = async {
            for realm in registrar.own_realms() {
                one.make_known(&realm).await?;
            }
            Ok(())
        };
        let handing_on = async {
            let mut handed = consumer
                .map(async |delivery| match delivery {
                    Ok(delivery) => one.hand_on(delivery).await,
                    Err(error) => Err(error),
                })
                .buffer_unordered(MAX_AT_ONCE);
            while let Some(result) = handed.next().await {
                result?;
            }
            Ok::<_, lapin::Error>(())
        };
        match futures_util::future::try_join(knowing, handing_on).await {
            Ok(_) => "the broker ended the consumer of rollcall-stray".into(),
            Err(error) => {
                tracing::debug!(%zone, %error, "strays are not handed on any more");
                format!("handing on strays: {error}")
            }
        }
    }
}

struct Relay<'a> {
    channel: &'a Channel,
    publisher: &'a Publisher,
    limit: Duration,
    known: &'a Mutex<HashSet<Box<str>>>,
    registrar: &'a Registrar,
}

impl Relay<'_> {
    async fn hand_on(&self, delivery: Delivery) -> lapin::Result<()> {
        let Some(realm) = self.registrar.realm_of_stray(&delivery.data) else {
            return acknowledge(&delivery).await;
        };
        let publication = Publication {
            zone: None,
            exchange: part(partition(&realm)),
            routing_key: delivery.routing_key.to_string(),
            body: delivery.data.clone(),
            mandatory: true,
        };
        match self.publisher.publish(&publication, self.limit).await {
            Ok(()) => self.registrar.handed_on(true),
            // Its owners have been away for too long; they will ask when they are back.
            Err(PublishError::Unroutable) => self.registrar.handed_on(false),
            Err(PublishError::Failed(error)) => {
                tracing::debug!(error, "a stray is put back");
                tokio::time::sleep(PAUSE).await;
                let options = BasicNackOptions {
                    requeue: true,
                    ..BasicNackOptions::default()
                };
                return delivery.acker.nack(options).await.map(drop);
            }
        }
        self.make_known(&realm).await?;
        acknowledge(&delivery).await
    }

    async fn make_known(&self, realm: &str) -> lapin::Result<()> {
        let Some(pattern) = pattern(realm) else {
            return Ok(());
        };
        if !self.is_news(&pattern) {
            return Ok(());
        }
        let exchange = part(partition(realm));
        make_known(self.channel, exchange, EVENTS_EXCHANGE, &pattern).await
    }

    fn is_news(&self, pattern: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(pattern.into())
    }
}

async fn acknowledge(delivery: &Delivery) -> lapin::Result<()> {
    let acknowledged = delivery.acker.ack(BasicAckOptions::default());
    acknowledged.await.map(drop)
}
