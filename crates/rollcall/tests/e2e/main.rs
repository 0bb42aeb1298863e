//! The main job with real parts: REGISTER to HTTP, and flush back.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod browser;
mod cluster;
mod demo;
mod drift;
mod flush;
mod hostile;
mod life;
mod monitoring;
mod moves;
mod notices;
mod openapi;
mod operate;
mod page;
mod recovery;
mod registrations;
mod secrets;
mod service;
mod start;
#[cfg(feature = "otlp")]
mod traces;
mod world;
mod zones;
