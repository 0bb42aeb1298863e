//! The main job with real parts: REGISTER to HTTP, and flush back.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod demo;
mod flush;
mod life;
mod registrations;
mod start;
mod world;
