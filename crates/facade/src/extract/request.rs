//! A request's id, and when it came.

use std::time::Instant;

use actix_web::{
    HttpMessage as _, HttpRequest,
    dev::RequestHead,
    http::header::{HeaderMap, HeaderName},
};
use uuid::{Uuid, fmt::Simple};

/// The header of a request's id, in both directions.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is noted of a request when it comes.
#[derive(Clone, Copy)]
pub(crate) struct RequestMeta {
    /// Identifies it in its answer and in every log line about it: 32 lower-case hex digits.
    pub(crate) id: Simple,
    pub(crate) at: Instant,
}

impl RequestMeta {
    /// Of a request that comes now.
    pub(crate) fn new(head: &RequestHead) -> Self {
        let id = given_id(&head.headers).unwrap_or_else(Uuid::new_v4);
        Self {
            id: id.simple(),
            at: Instant::now(),
        }
    }

    /// What was noted of this request.
    pub(crate) fn of(req: &HttpRequest) -> Self {
        let noted = req.extensions().get().copied();
        noted.unwrap_or_else(|| Self::new(req.head()))
    }
}

/// The id that the caller gave, if it has the form of ours.
fn given_id(headers: &HeaderMap) -> Option<Uuid> {
    let given = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_ours = given.len() == Simple::LENGTH && given.bytes().all(is_hex);
    is_ours.then(|| Uuid::try_parse(given).ok()).flatten()
}
