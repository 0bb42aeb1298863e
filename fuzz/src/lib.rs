//! What the fuzz targets do with their input, one module each. Each panics when something does not
//! hold; see `docs/testing.md` for how to run and replay them.

#![forbid(unsafe_code)]

mod config;
mod contact;
mod event;
mod http;
mod jwt;
mod names;
mod server;
mod snapshot;
mod world;

pub use config::config;
pub use contact::contact;
pub use event::event;
pub use http::http_query;
pub use jwt::jwt;
pub use names::routing_key;
pub use snapshot::snapshot;
