//! Paths of the API and the methods that they take.

use std::future::ready;

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    http::Method,
    web::{self, ServiceConfig},
};

use crate::{cors::preflight, error::ApiError};

/// Paths of one account begin with this.
pub(crate) const ACCOUNT: &str = "/v2/accounts/{account_id}";

/// Methods of an account's registrations.
pub(crate) const READ_AND_FLUSH: &str = "GET, HEAD, DELETE, OPTIONS";
/// Methods of a path that can only be read.
pub(crate) const READ: &str = "GET, HEAD, OPTIONS";
/// Methods of a path that can only be read, and has no HEAD.
pub(crate) const GET: &str = "GET, OPTIONS";

/// A path's pattern, as metrics name the route.
struct Route(&'static str);

/// The pattern of the path that a request was routed to.
pub(crate) fn route_of(req: &HttpRequest) -> &'static str {
    let route = req.app_data::<Route>();
    route.map_or("unmatched", |route| route.0)
}

/// A path that takes the methods in `allow`; any other is 405.
pub(crate) fn resource(path: &'static str, allow: &'static str) -> Resource {
    resource_in(path, path, allow)
}

/// Like [`resource`], within the scope [`ACCOUNT`].
pub(crate) fn account_resource(path: &'static str, allow: &'static str) -> Resource {
    let within = path.strip_prefix(ACCOUNT).unwrap_or(path);
    resource_in(within, path, allow)
}

fn resource_in(at: &'static str, path: &'static str, allow: &'static str) -> Resource {
    web::resource(at)
        .app_data(Route(path))
        .route(web::method(Method::OPTIONS).to(move || ready(preflight(allow))))
        .default_service(web::to(move || async move {
            Err::<HttpResponse, _>(ApiError::InvalidMethod { allow })
        }))
}

/// Answers any path that is not routed.
pub(crate) fn unknown_paths(config: &mut ServiceConfig) {
    config.default_service(web::to(|| async {
        Err::<HttpResponse, _>(ApiError::FaultyRequest)
    }));
}
