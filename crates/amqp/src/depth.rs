//! How many messages wait in our queue: looked at now and then, for the metrics.

use std::{convert::Infallible, time::Duration};

use lapin::{Connection, options::QueueDeclareOptions, types::FieldTable};

use crate::link::Link;

/// From one look to the next.
const PERIOD: Duration = Duration::from_secs(10);
/// A broker that does not read just now does not answer either.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks for as long as the connection is there.
pub(crate) async fn watch(connection: &Connection, queue: &str, link: &Link) -> Infallible {
    loop {
        let looked = tokio::time::timeout(PATIENCE, look(connection, queue)).await;
        match looked {
            Ok(Ok(messages)) => link.waits(Some(messages)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "how many messages wait is not known");
                link.waits(None);
            }
            Err(_) => link.waits(None),
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// On a channel of its own: a refusal closes it.
async fn look(connection: &Connection, queue: &str) -> lapin::Result<u32> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let declared = channel
        .queue_declare(queue.into(), options, FieldTable::default())
        .await?;
    let messages = declared.message_count();
    channel.close(200, "looked".into()).await?;
    Ok(messages)
}
