//! Cross-origin requests: any origin may read the answers. A token guards them, and no browser adds
//! one by itself.

use actix_web::{HttpResponse, http::header, middleware::DefaultHeaders};

/// Sets the CORS headers of every answer, whether or not the request names an origin.
pub(crate) fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .add((header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, X-Request-ID"))
}

/// Answers OPTIONS on a path that takes the methods in `allow`. Needs no token: a browser sends none.
pub(crate) fn preflight(allow: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ALLOW, allow))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, allow))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, X-Auth-Token, X-Request-ID, Authorization, If-None-Match, Cache-Control",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}
