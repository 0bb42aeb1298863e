//! `/v2/accounts/{ACCOUNT_ID}/…`

pub(crate) mod count;
pub(crate) mod devices;
pub(crate) mod events;
pub(crate) mod flush_all;
pub(crate) mod flush_one;
pub(crate) mod list;
pub(crate) mod one;
mod post;

use actix_web::web::{ServiceConfig, delete, get, head, post, scope};

use crate::paths::{ACCOUNT, READ, READ_AND_FLUSH, account_resource};

/// The routes of one account.
pub(super) fn configure(config: &mut ServiceConfig) {
    let list = account_resource("/v2/accounts/{account_id}/registrations", READ_AND_FLUSH)
        .route(get().to(list::list))
        .route(head().to(list::list))
        .route(delete().to(flush_all::flush_all))
        .route(post().to(post::post_all));
    let count = account_resource(
        "/v2/accounts/{account_id}/registrations/count",
        READ_AND_FLUSH,
    );
    let count = count
        .route(get().to(count::count))
        .route(head().to(count::count))
        .route(delete().to(flush_one::flush_one))
        .route(post().to(post::post_one));
    let events = account_resource(
        "/v2/accounts/{account_id}/registrations/events",
        READ_AND_FLUSH,
    );
    let events = events
        .route(get().to(events::events))
        .route(delete().to(flush_one::flush_one))
        .route(post().to(post::post_one));
    let one = account_resource(
        "/v2/accounts/{account_id}/registrations/{username}",
        READ_AND_FLUSH,
    );
    let one = one
        .route(get().to(one::one))
        .route(head().to(one::one))
        .route(delete().to(flush_one::flush_one))
        .route(post().to(post::post_one));
    let devices = account_resource("/v2/accounts/{account_id}/devices/status", READ)
        .route(get().to(devices::status))
        .route(head().to(devices::status));
    let account = scope(ACCOUNT);
    config.service(
        account
            .service(list)
            .service(count)
            .service(events)
            .service(one)
            .service(devices),
    );
}
