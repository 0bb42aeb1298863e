//! The registrar's [`Bus`](registrar::Bus) on RabbitMQ, by way of lapin.
//!
//! Each zone has one supervisor that owns its connection, channels, queue and consumer, and builds
//! all of them anew on any error or end of stream: lapin's own recovery leaves a silent consumer
//! behind in several of those cases.

mod backoff;
mod bus;
mod consumer;
mod depth;
mod dial;
mod inbox;
mod leader;
mod link;
mod publisher;
mod pulse;
mod rate_limit;
mod session;
mod settings;
mod supervisor;
mod tls;
mod topology;

pub use bus::AmqpBus;
pub use registrar::LinkState;
pub use settings::{Access, Settings, SettingsError, ZoneSettings, redacted};
pub use tls::{IdentityFiles, TlsFiles};
