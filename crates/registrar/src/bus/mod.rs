//! The way to the brokers: the port that adapters implement, and questions that go through it.

mod port;
mod questions;

pub use port::{Bus, BusFuture, Publication, PublishFailure, Receipt};
pub(crate) use questions::{Answer, Questions, Timeouts};
