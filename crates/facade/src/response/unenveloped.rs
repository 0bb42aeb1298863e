//! JSON answers without Crossbar's envelope, for operators and load balancers.

use actix_web::{HttpResponse, HttpResponseBuilder, http::header};
use serde::Serialize;

/// Answers 200 with this body.
pub(crate) fn unenveloped(body: &impl Serialize) -> HttpResponse {
    unenveloped_in(&mut HttpResponse::Ok(), body)
}

/// Answers with this body; no cache may keep it.
pub(crate) fn unenveloped_in(
    response: &mut HttpResponseBuilder,
    body: &impl Serialize,
) -> HttpResponse {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body)
}
