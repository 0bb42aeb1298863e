//! POST as a DELETE in disguise, for clients that can send no other verb: `?verb=DELETE`, or
//! `{"verb":"delete"}` as the body.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Payload},
};
use serde::Deserialize;

use crate::{
    Facade,
    app::{COLLECTION, MEMBER},
    caller::{Authorized, ToWrite},
    error::ApiError,
    query::Params,
    registrations::{flush_all, flush_one},
};

/// For a body to come.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Body {
    verb: Option<String>,
}

/// POST on all of an account's registrations.
pub(crate) async fn post_all(
    req: HttpRequest,
    facade: Data<Facade>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let body = body(&req, payload).await?;
    wants_delete(&req, body, COLLECTION)?;
    let caller = authorized(&req).await?;
    flush_all(req, facade, caller).await
}

/// POST on one username.
pub(crate) async fn post_one(
    req: HttpRequest,
    facade: Data<Facade>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let body = body(&req, payload).await?;
    wants_delete(&req, body, MEMBER)?;
    let caller = authorized(&req).await?;
    flush_one(req, facade, caller).await
}

// Only once it is known that the request is a write: a plain POST is a wrong verb for anyone.
async fn authorized(req: &HttpRequest) -> Result<Authorized<ToWrite>, ApiError> {
    use actix_web::FromRequest as _;
    Authorized::<ToWrite>::extract(req).await
}

/// The body, or what is wrong with it; fails if it does not come.
async fn body(
    req: &HttpRequest,
    payload: Payload,
) -> Result<Result<Bytes, actix_web::Error>, ApiError> {
    use actix_web::FromRequest as _;
    let mut payload = payload.into_inner();
    let reading = Bytes::from_request(req, &mut payload);
    let read = tokio::time::timeout(PATIENCE, reading).await;
    read.map_err(|_| ApiError::Timeout)
}

fn wants_delete(
    req: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    allow: &'static str,
) -> Result<(), ApiError> {
    let is_delete = |verb: &str| verb.eq_ignore_ascii_case("delete");
    if Params::of(req).get("verb").is_some_and(is_delete) {
        return Ok(());
    }
    let body = body.map_err(|error| {
        let status = error.as_response_error().status_code();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::of_status(status)
        } else {
            unreadable()
        }
    })?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::InvalidMethod { allow });
    }
    let body: Body = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    if body.verb.as_deref().is_some_and(is_delete) {
        Ok(())
    } else {
        Err(ApiError::InvalidMethod { allow })
    }
}

fn unreadable() -> ApiError {
    ApiError::Parse {
        parameter: "body",
        got: String::new(),
        takes: "a JSON object",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn judged(uri: &str, body: &'static str) -> Result<(), ApiError> {
        wants_delete(
            &TestRequest::post().uri(uri).to_http_request(),
            Ok(Bytes::from_static(body.as_bytes())),
            "DELETE",
        )
    }

    #[test]
    fn both_disguises_are_seen_through() {
        assert!(judged("/?verb=DELETE", "").is_ok());
        assert!(judged("/?verb=delete", "not json").is_ok());
        assert!(judged("/", r#"{"verb":"delete","data":{}}"#).is_ok());
    }

    #[test]
    fn a_plain_post_is_none() {
        for (uri, body) in [
            ("/", ""),
            ("/?verb=PUT", " "),
            ("/", "{}"),
            ("/", r#"{"verb":"get"}"#),
        ] {
            assert!(
                matches!(judged(uri, body), Err(ApiError::InvalidMethod { .. })),
                "{uri} {body}"
            );
        }
        assert!(matches!(
            judged("/", "not json"),
            Err(ApiError::Parse {
                parameter: "body",
                ..
            })
        ));
    }
}
