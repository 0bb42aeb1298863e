//! `POST` that stands for a DELETE, for clients that can send no other verb: `?verb=DELETE`, or
//! `{"verb":"delete"}` as the body.

use std::time::Duration;

use actix_web::{
    FromRequest as _, HttpRequest,
    http::StatusCode,
    web::{Bytes, Data, Payload},
};
use serde::Deserialize;

use super::{flush_all::flush_all, flush_one::flush_one};
use crate::{
    error::ApiError,
    extract::{Authorized, AuthorizedUser, Params},
    paths::READ_AND_FLUSH,
    response::Answer,
    state::Facade,
};

/// How long a body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Body {
    verb: Option<String>,
}

/// `POST /v2/accounts/{ACCOUNT_ID}/registrations`
pub(super) async fn post_all(req: HttpRequest, facade: Data<Facade>, payload: Payload) -> Answer {
    // The caller's right comes second: a plain POST is a wrong verb for anyone.
    check_verb(&req, body(&req, payload).await?)?;
    let caller = Authorized::extract(&req).await?;
    flush_all(req, facade, caller).await
}

/// `POST /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`
pub(super) async fn post_one(req: HttpRequest, facade: Data<Facade>, payload: Payload) -> Answer {
    check_verb(&req, body(&req, payload).await?)?;
    let caller = AuthorizedUser::extract(&req).await?;
    flush_one(req, facade, caller).await
}

/// The body, or why it cannot be read; fails if it does not come.
async fn body(
    req: &HttpRequest,
    payload: Payload,
) -> Result<Result<Bytes, actix_web::Error>, ApiError> {
    let mut payload = payload.into_inner();
    let reading = Bytes::from_request(req, &mut payload);
    let read = tokio::time::timeout(BODY_TIMEOUT, reading).await;
    read.map_err(|_| ApiError::Timeout)
}

/// Fails unless the request stands for a DELETE.
fn check_verb(req: &HttpRequest, body: Result<Bytes, actix_web::Error>) -> Result<(), ApiError> {
    let wrong_verb = ApiError::InvalidMethod {
        allow: READ_AND_FLUSH,
    };
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
        return Err(wrong_verb);
    }
    let body: Body = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    if body.verb.as_deref().is_some_and(is_delete) {
        Ok(())
    } else {
        Err(wrong_verb)
    }
}

fn unreadable() -> ApiError {
    ApiError::bad_parameter("body", "", "a JSON object")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn judged(uri: &str, body: &'static str) -> Result<(), ApiError> {
        check_verb(
            &TestRequest::post().uri(uri).to_http_request(),
            Ok(Bytes::from_static(body.as_bytes())),
        )
    }

    #[test]
    fn a_verb_in_the_query_or_the_body_is_a_delete() {
        assert!(judged("/?verb=DELETE", "").is_ok());
        assert!(judged("/?verb=delete", "not json").is_ok());
        assert!(judged("/", r#"{"verb":"delete","data":{}}"#).is_ok());
    }

    #[test]
    fn a_plain_post_is_not() {
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
