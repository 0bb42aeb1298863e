//! A consumer that only acknowledges: as fast as lapin can be, with all else as rollcall has it.

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    Acker, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};

use crate::process::{end_with_parent, tell};

/// How many deliveries are acknowledged at once at most, as in rollcall.
const BATCH: u16 = 256;

/// Consumes until it is ended.
pub(crate) fn consume(uri: &str, queue: &str, prefetch: u16) -> anyhow::Result<()> {
    end_with_parent();
    tokio::runtime::Runtime::new()?.block_on(consuming(uri, queue, prefetch))
}

async fn consuming(uri: &str, queue: &str, prefetch: u16) -> anyhow::Result<()> {
    let connection = Connection::connect(uri, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    let options = BasicConsumeOptions {
        exclusive: true,
        ..BasicConsumeOptions::default()
    };
    let mut consumer = channel
        .basic_consume(queue.into(), "".into(), options, FieldTable::default())
        .await?;
    tell("consuming");
    let (mut count, mut last): (u16, Option<Acker>) = (0, None);
    loop {
        // All that is there at once; what was taken is acknowledged when nothing waits.
        let next = match consumer.next().now_or_never() {
            Some(next) if count < BATCH => next,
            waiting => {
                count = 0;
                if let Some(last) = last.take() {
                    last.ack(BasicAckOptions { multiple: true }).await?;
                }
                match waiting {
                    Some(next) => next,
                    None => consumer.next().await,
                }
            }
        };
        let Some(delivery) = next else {
            return Ok(());
        };
        let delivery = delivery?;
        std::hint::black_box(&delivery.data);
        count += 1;
        last = Some(delivery.acker);
    }
}
