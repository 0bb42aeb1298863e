//! The API as a client meets it: a real server on a loopback port, one file per endpoint.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod admin;
mod count;
mod errors;
mod events;
mod flush_all;
mod flush_one;
mod health;
mod jwts;
mod list;
mod page;
mod pages;
mod snapshots;
mod stand_in;
mod summary;
mod tokens;
mod transport;
mod world;
