//! The registrar's [`Bus`](registrar::Bus) on RabbitMQ, by way of lapin.
//!
//! Each zone has one supervisor. It owns the zone's connections, channels, queues and consumers, and
//! rebuilds all of them after any error or end of stream: lapin's own recovery leaves a silent
//! consumer behind in several of those cases.

mod bus;
mod connection;
mod consume;
mod dial;
mod error;
mod log_limit;
mod publisher;
mod settings;
mod topology;

pub use bus::AmqpBus;
pub use settings::{Access, IdentityFiles, Settings, SettingsError, TlsFiles, ZoneSettings};
