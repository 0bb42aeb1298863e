//! A request's id, and when it came.

use std::{fmt, time::Instant};

use actix_web::{
    HttpMessage as _, HttpRequest,
    dev::RequestHead,
    http::header::{HeaderMap, HeaderName},
};
use serde::{Serialize, Serializer};
use uuid::{Uuid, fmt::Simple};

/// Identifies a request in its answer and in every log line about it: 32 lower-case hex digits.
#[derive(Clone, Copy)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// The header of a request's id, in both directions.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// A buffer for its digits.
    pub(crate) fn digits() -> [u8; Simple::LENGTH] {
        [0; Simple::LENGTH]
    }

    /// Writes its digits.
    pub(crate) fn encode(self, digits: &mut [u8; Simple::LENGTH]) -> &str {
        self.0.simple().encode_lower(digits)
    }

    /// The one that the caller gave, else a new one.
    fn given_by(headers: &HeaderMap) -> Self {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let given = headers.get(&Self::HEADER).and_then(|id| id.to_str().ok());
        let given = given.filter(|id| id.len() == 32 && id.bytes().all(hex));
        let given = given.and_then(|id| Uuid::try_parse(id).ok());
        Self(given.unwrap_or_else(Uuid::new_v4))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut Self::digits()))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.encode(&mut Self::digits()))
    }
}

/// What is noted of a request when it comes.
#[derive(Clone, Copy)]
pub(crate) struct RequestMeta {
    pub(crate) id: RequestId,
    pub(crate) at: Instant,
}

impl RequestMeta {
    /// Of a request that comes now.
    pub(crate) fn new(head: &RequestHead) -> Self {
        Self {
            id: RequestId::given_by(&head.headers),
            at: Instant::now(),
        }
    }

    /// What was noted of this request.
    pub(crate) fn of(req: &HttpRequest) -> Self {
        let noted = req.extensions().get().copied();
        noted.unwrap_or_else(|| Self::new(req.head()))
    }
}
