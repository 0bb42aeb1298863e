//! Why a session with a broker fails.

use std::time::Duration;

/// Why a session did not begin, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// Connecting and declaring took too long.
    #[error("no connection within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The broker or the connection failed at a step.
    #[error("{step}: {error}")]
    Failed {
        /// What was being done.
        step: &'static str,
        /// The error.
        error: lapin::Error,
    },
    /// Two processes have the same node name.
    #[error(
        "another process consumes queue {queue}; give each rollcall its own amqp.node ({error})"
    )]
    QueueInUse {
        /// The queue.
        queue: String,
        /// The broker's refusal.
        error: lapin::Error,
    },
    /// The broker cancelled the consumer of events.
    #[error("the broker ended the consumer (was its queue deleted?)")]
    ConsumerEnded,
    /// The broker cancelled the consumer of the inbox.
    #[error("the broker ended the inbox's consumer")]
    InboxEnded,
    /// A message to our own queue could not be routed to it.
    #[error("its queue's bindings are gone (was the exchange registrar deleted?)")]
    Unbound,
    /// Messages to our own queue are confirmed, but do not arrive.
    #[error("the broker confirms what is published but delivers nothing")]
    Silent,
}

/// Adds the step to an error of lapin's.
pub(crate) fn at(step: &'static str) -> impl Fn(lapin::Error) -> SessionError {
    move |error| SessionError::Failed { step, error }
}
