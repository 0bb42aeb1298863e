//! `/v2/registrations/…`: all accounts.

pub(crate) mod count;
pub(crate) mod list;
pub(crate) mod summary;

use actix_web::web::{ServiceConfig, get, head};

use crate::paths::{READ, resource};

/// The routes of all accounts.
pub(super) fn configure(config: &mut ServiceConfig) {
    let list = resource("/v2/registrations", READ)
        .route(get().to(list::list))
        .route(head().to(list::list));
    let count = resource("/v2/registrations/count", READ)
        .route(get().to(count::count))
        .route(head().to(count::count));
    let summary = resource("/v2/registrations/summary", READ)
        .route(get().to(summary::summary))
        .route(head().to(summary::summary));
    config.service(list).service(count).service(summary);
}
