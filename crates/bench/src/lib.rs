//! Measures rollcall against what it could be at best, side by side in one run.
//!
//! Never a dependency of the product. What is called of the product is in [`adapter`].

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people: three digits matter"
)]

pub mod adapter;
pub mod bare;
pub mod broker;
pub mod cases;
pub mod child;
pub mod event;
pub mod expiry;
pub mod flush;
pub mod http;
pub mod ingest;
pub mod instructions;
pub mod memory;
pub mod options;
pub mod pauses;
pub mod process;
pub mod report;
pub mod server;
pub mod snapshot;
