//! Looks at the number of messages in our queue now and then, for the metrics.

use std::{convert::Infallible, time::Duration};

use lapin::Connection;

use super::link::Link;
use crate::topology::inspect;

const PERIOD: Duration = Duration::from_secs(10);
/// A broker that stops reading does not answer either.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Looks as long as the connection lasts.
pub(crate) async fn watch(connection: &Connection, queue: &str, link: &Link) -> Infallible {
    loop {
        let inspected = tokio::time::timeout(TIMEOUT, inspect(connection, queue)).await;
        if let Ok(Err(error)) = &inspected {
            tracing::debug!(%error, "the number of waiting messages is unknown");
        }
        let queue = inspected.ok().and_then(Result::ok);
        link.set_waiting(queue.map(|queue| queue.message_count()));
        tokio::time::sleep(PERIOD).await;
    }
}
