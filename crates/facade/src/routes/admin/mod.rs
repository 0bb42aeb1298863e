//! `/admin/…`: what operators ask and order, by realm rather than by account. For the command line.
//!
//! On the port it takes a token for all accounts; on the Unix socket none, since only operators may
//! open the socket's file. Lists are a JSON object a line.

mod changes;
mod count;
mod flush;
mod line;
mod list;
mod status;
mod sync;

use actix_web::web::{ServiceConfig, delete, get, post};

use crate::paths::{GET, resource};

/// The operators' routes.
pub(super) fn configure(config: &mut ServiceConfig) {
    let registrations = resource("/admin/registrations", "GET, DELETE, OPTIONS")
        .route(get().to(list::list))
        .route(delete().to(flush::flush));
    let count = resource("/admin/registrations/count", GET).route(get().to(count::count));
    let changes = resource("/admin/changes", GET).route(get().to(changes::changes));
    let sync = resource("/admin/sync", "POST, OPTIONS").route(post().to(sync::sync));
    config
        .service(resource("/admin/status", GET).route(get().to(status::status)))
        .service(registrations)
        .service(count)
        .service(changes)
        .service(sync);
}
