//! Crossbar's Registrations API over HTTP, answered from the registrar.
//!
//! Routes, auth, envelope and errors; knows nothing of brokers. The contract is Crossbar's: an
//! operator routes `/v2/accounts/*/registrations*` here and no client notices.
//!
//! [`create_app`] puts it together. A request passes the [`middleware`], then a handler in
//! [`routes`], which reads it with [`extract`], asks the registrar, and answers with [`response`]
//! or [`list`].

mod app;
pub mod auth;
mod cors;
mod error;
mod extract;
mod list;
mod metrics;
mod middleware;
mod openapi;
mod page;
mod paths;
mod response;
mod routes;
mod servers;
mod state;
mod summary;
mod throttle;
mod tls;

pub use actix_web::dev::Server;
pub use app::create_app;
pub use metrics::Metrics;
pub use openapi::description;
pub use servers::{ServerSettings, serve, serve_admin, serve_metrics};
pub use state::Facade;
pub use summary::Summary;
pub use throttle::{Throttle, ThrottleSettings};
pub use tls::{Certificate, TlsError};
