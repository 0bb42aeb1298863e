//! Messages for this process alone: questions who is registered, and answers to its own.
//!
//! They have a queue of their own: a question must not wait behind a burst of events, nor be answered
//! long after the asker has gone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use kapi::{QUERY_BINDING, Query, REGISTRAR_EXCHANGE, TARGETED_EXCHANGE};
use lapin::{Channel, Connection, Consumer, options::BasicAckOptions, types::AMQPValue};
use registrar::{Outcome, PublishFailure, Registrar, TooManyToAnswer};
use registration::Zone;
use tokio::task::JoinError;

use super::{
    answering::Answering,
    deliver::{LOG_PERIOD, deliver},
};
use crate::{
    error::{SessionError, at},
    log_limit::LogLimit,
    publisher::Publisher,
    topology::{bind, consume, declare_exclusive_queue, millis},
};

/// Askers wait for two seconds; older messages are of no use.
const MESSAGE_TTL: Duration = Duration::from_secs(10);
const MAX_LENGTH: i64 = 100_000;
const PREFETCH: u16 = 100;

/// The queue, with its consumer.
pub(crate) struct Inbox {
    _channel: Channel,
    consumer: Consumer,
}

impl Inbox {
    /// Declares the queue, bound to our Server-ID and, if we answer questions, to those.
    pub(crate) async fn open(
        connection: &Connection,
        server_id: &str,
        answer_queries: bool,
    ) -> lapin::Result<Self> {
        let channel = connection.create_channel().await?;
        let arguments = [
            ("x-message-ttl", millis(MESSAGE_TTL)),
            ("x-max-length", AMQPValue::LongLongInt(MAX_LENGTH)),
        ];
        // Named by the broker: a name of ours would stay locked until the broker notices that an
        // earlier connection is gone.
        let queue = declare_exclusive_queue(&channel, "", arguments).await?;
        bind(&channel, queue.as_str(), TARGETED_EXCHANGE, server_id).await?;
        if answer_queries {
            bind(&channel, queue.as_str(), REGISTRAR_EXCHANGE, QUERY_BINDING).await?;
        }
        let consumer = consume(&channel, queue.as_str(), PREFETCH).await?;
        Ok(Self {
            _channel: channel,
            consumer,
        })
    }

    /// Delivers answers and answers questions, until the broker or the connection ends it.
    pub(crate) async fn serve(
        &mut self,
        zone: &Zone,
        registrar: &Arc<Registrar>,
        publisher: &Arc<Publisher>,
    ) -> SessionError {
        let mut log = LogLimit::new(LOG_PERIOD);
        let answering = Answering::default();
        while let Some(delivery) = self.consumer.next().await {
            let delivery = match delivery {
                Ok(delivery) => delivery,
                Err(error) => return at("consuming the inbox")(error),
            };
            if let Some(Outcome::Asked(query)) = deliver(&delivery, zone, registrar, &mut log) {
                let is_large = wants_all(&query);
                let answer = answer(query, Arc::clone(registrar), Arc::clone(publisher));
                if !answering.spawn(is_large, answer) {
                    tracing::debug!("a question was dropped: too many wait");
                }
            }
            if let Err(error) = delivery.acker.ack(BasicAckOptions::default()).await {
                return at("acknowledging in the inbox")(error);
            }
        }
        SessionError::InboxEnded
    }
}

/// Whether the answer has all registrations.
fn wants_all(query: &Query) -> bool {
    query.realm.is_none() && query.username.is_none() && !query.count_only
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error(transparent)]
    TooMany(#[from] TooManyToAnswer),
    #[error(transparent)]
    Panicked(#[from] JoinError),
    #[error(transparent)]
    Publish(#[from] PublishFailure),
}

async fn answer(query: Box<Query>, registrar: Arc<Registrar>, publisher: Arc<Publisher>) {
    let begun = Instant::now();
    let answered: Result<(), AnswerError> = async {
        // Off the runtime's threads: the answer may have all registrations.
        let answer = tokio::task::spawn_blocking(move || registrar.answer(&query)).await??;
        Ok(publisher.publish(&answer).await?)
    }
    .await;
    let elapsed_us = begun.elapsed().as_micros();
    match answered {
        Ok(()) => tracing::debug!(elapsed_us, "a question was answered"),
        Err(error) => tracing::warn!(%error, "a question could not be answered"),
    }
}
