//! The API's endpoints, a file each.

mod accounts;
mod admin;
mod flushing;
mod follow;
pub(crate) mod health;
mod metrics;
mod system;

pub(crate) mod documented {
    //! The handlers that the API's description describes.

    pub(crate) use super::{
        accounts::{count, devices, events, flush_all, flush_one, list, one},
        health,
        system::{count as system_count, list as system_list, summary},
    };
}

use actix_web::web::ServiceConfig;
pub(crate) use metrics::open_metrics;

/// All routes of the API.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        // First, since most requests are for these.
        .configure(accounts::configure)
        .configure(health::configure)
        .configure(system::configure)
        .configure(metrics::configure)
        .configure(admin::configure);
}

/// The routes of the Unix socket.
pub(crate) fn configure_socket(config: &mut ServiceConfig) {
    config
        .app_data(crate::extract::LocalSocket)
        .configure(health::configure)
        .configure(metrics::configure)
        .configure(admin::configure);
}
