//! The bus against a real RabbitMQ: `scripts/test -p amqp`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod alarms;
mod bursts;
mod encrypted;
mod events;
mod flushes;
mod neighbours;
mod node;
mod outages;
mod queries;
mod stopping;
