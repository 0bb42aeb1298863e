//! Flushing: tell the proxies, wait until the brokers have it, then forget.

mod coalesce;
mod fence;
mod order;
mod retry;
mod target;

pub use order::Flusher;
pub use target::{FlushError, Flushed};
