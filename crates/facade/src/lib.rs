//! Crossbar's Registrations API over HTTP, answered from the registrar.
//!
//! Routes, auth, envelope and errors; knows nothing of brokers. The contract is Crossbar's: an
//! operator routes `/v2/accounts/*/registrations*` here and no client notices.

mod accept;
mod admin;
mod app;
pub mod auth;
mod boundary;
mod caller;
mod devices;
mod envelope;
mod error;
mod events;
mod filter;
mod health;
mod listing;
mod metrics;
mod openapi;
mod order;
mod page;
mod query;
mod registrations;
mod revision;
mod summary;
mod system;
mod table_format;
mod throttle;
mod tls;
mod tunnel;
mod zoned;

use std::sync::Arc;

pub use actix_web::dev::Server;
pub use admin::serve_admin;
pub use app::{ServerSettings, app, routes, serve};
use auth::Auth;
pub use metrics::{Metrics, serve_metrics};
pub use openapi::description;
use registrar::{Feed, Registrar};
use registration::Clock;
pub use summary::Summary;
pub use throttle::{Throttle, ThrottleSettings};
pub use tls::{Certificate, TlsError};

/// What every request is answered with.
pub struct Facade {
    /// The table and its service.
    pub registrar: Arc<Registrar>,
    /// Who may do what.
    pub auth: Auth,
    /// What [`description`] says.
    pub description: String,
    /// Changes as they happen.
    pub feed: Arc<Feed>,
    /// What there is in all, and what happened in the last hour.
    pub summary: Arc<Summary>,
    /// How often callers may ask.
    pub throttle: Arc<Throttle>,
    /// What is measured.
    pub metrics: Metrics,
    /// Time of the answers' timestamps.
    pub clock: Arc<dyn Clock>,
    /// Name of this node, shown in every answer.
    pub node: String,
    /// Whether answers repeat the caller's token, as Crossbar's do.
    pub echo_token: bool,
}
