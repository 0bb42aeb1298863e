//! What is meant for this process alone: questions who is registered, and answers to its own.
//!
//! A queue of its own, apart from the events': a question must not wait behind a burst of events,
//! nor be answered long after the asker has gone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use kapi::{QUERY_BINDING, Query, REGISTRAR_EXCHANGE, TARGETED_EXCHANGE};
use lapin::{
    Channel, Connection, Consumer, ExchangeKind,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
};
use registrar::{Outcome, Registrar};
use registration::Zone;
use tokio::sync::Semaphore;

use crate::{
    consumer::{LOG_PERIOD, apply},
    publisher::Publisher,
    rate_limit::RateLimit,
};

/// Askers wait for two seconds; what is older than this nobody wants.
const MESSAGE_TTL: Duration = Duration::from_secs(10);
const MAX_LENGTH: i64 = 100_000;
const PREFETCH: u16 = 100;
/// Answers in the making; more questions wait in the queue.
const MAX_ANSWERING: usize = 4;

/// The queue, its consumer, and what answers go by.
pub(crate) struct Inbox {
    _channel: Channel,
    consumer: Consumer,
    publisher: Publisher,
    publish_timeout: Duration,
}

impl Inbox {
    /// Declares the queue, bound to our Server-ID and, if we answer questions, to those.
    pub(crate) async fn open(
        connection: &Connection,
        registrar: &Registrar,
        answer_queries: bool,
        publisher: Publisher,
        publish_timeout: Duration,
    ) -> lapin::Result<Self> {
        let channel = connection.create_channel().await?;
        let declare = ExchangeDeclareOptions::default();
        let (exchange, kind) = (TARGETED_EXCHANGE.into(), ExchangeKind::Direct);
        channel
            .exchange_declare(exchange, kind, declare, FieldTable::default())
            .await?;
        let mut arguments = FieldTable::default();
        let ttl = i64::try_from(MESSAGE_TTL.as_millis()).unwrap_or(i64::MAX);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(ttl));
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(MAX_LENGTH));
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        // Named by the server: a name of ours would stay locked for as long as the broker believes
        // in a connection that is gone.
        let queue = channel
            .queue_declare("".into(), options, arguments)
            .await?
            .name()
            .clone();
        let mut bindings = vec![(TARGETED_EXCHANGE, registrar.server_id())];
        if answer_queries {
            bindings.push((REGISTRAR_EXCHANGE, QUERY_BINDING));
        }
        for (exchange, key) in bindings {
            let options = QueueBindOptions::default();
            channel
                .queue_bind(
                    queue.clone(),
                    exchange.into(),
                    key.into(),
                    options,
                    FieldTable::default(),
                )
                .await?;
        }
        channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let options = BasicConsumeOptions::default();
        let consumer = channel
            .basic_consume(queue, "".into(), options, FieldTable::default())
            .await?;
        Ok(Self {
            _channel: channel,
            consumer,
            publisher,
            publish_timeout,
        })
    }

    /// Takes what comes, until the broker or the connection ends it; says why.
    pub(crate) async fn serve(&mut self, zone: &Zone, registrar: &Arc<Registrar>) -> String {
        let mut refusals = RateLimit::new(LOG_PERIOD);
        let answering = Arc::new(Semaphore::new(MAX_ANSWERING));
        // One at a time: each is as large as the table, some times over until it is sent.
        let whole_table = Arc::new(Semaphore::new(1));
        while let Some(delivery) = self.consumer.next().await {
            let delivery = match delivery {
                Ok(delivery) => delivery,
                Err(error) => return format!("consuming the inbox: {error}"),
            };
            if let Some(Outcome::Asked(query)) = apply(&delivery, zone, registrar, &mut refusals) {
                let Ok(permit) = Arc::clone(&answering).acquire_owned().await else {
                    continue;
                };
                let is_large = wants_all(&query);
                let whole_table = Arc::clone(&whole_table);
                let answer = answer(
                    query,
                    Arc::clone(registrar),
                    self.publisher.clone(),
                    self.publish_timeout,
                );
                tokio::spawn(async move {
                    let _turn = if is_large {
                        whole_table.acquire_owned().await.ok()
                    } else {
                        None
                    };
                    answer.await;
                    drop(permit);
                });
            }
            if let Err(error) = delivery.acker.ack(BasicAckOptions::default()).await {
                return format!("acknowledging in the inbox: {error}");
            }
        }
        "the broker ended the inbox's consumer".into()
    }
}

/// Whether the answer has the whole table.
fn wants_all(query: &Query) -> bool {
    query.realm.is_none() && !query.count_only
}

async fn answer(
    query: Box<Query>,
    registrar: Arc<Registrar>,
    publisher: Publisher,
    limit: Duration,
) {
    let begun = Instant::now();
    // Off the runtime's threads: the answer may be the whole table.
    let made = tokio::task::spawn_blocking(move || registrar.answer(&query)).await;
    let result = match &made {
        Ok(Ok(publication)) => {
            let sent = publisher.publish(publication, limit).await;
            sent.map_err(|error| error.to_string())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(()) => tracing::debug!(
            elapsed_us = begun.elapsed().as_micros(),
            "a question was answered"
        ),
        Err(error) => tracing::warn!(error, "a question could not be answered"),
    }
}
