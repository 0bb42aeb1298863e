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
mod life;
mod moves;
mod notices;
mod openapi;
mod page;
mod recovery;
mod registrations;
mod start;
mod world;
mod zones;
