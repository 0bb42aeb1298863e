//! The edge every request and answer passes: its id, its log line, and the envelope of errors.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{RequestHead, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method, StatusCode, Uri,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use futures_util::FutureExt as _;
use serde::{Serialize, Serializer};
use serde_json::json;
use tracing::{Instrument as _, Span};
use uuid::{Uuid, fmt::Simple};

use crate::{Facade, app::Route, envelope, error::ApiError};

/// What is noted of a request when it comes.
#[derive(Clone, Copy)]
pub(crate) struct RequestMeta {
    /// What it goes by in its answer and in the log.
    pub(crate) id: RequestId,
    pub(crate) at: Instant,
}

impl RequestMeta {
    /// Of a request that comes now.
    fn new(head: &RequestHead) -> Self {
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

/// Identifies a request in its answer and in every log line about it: 32 lower-case hex digits.
#[derive(Clone, Copy)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// Room for its digits.
    pub(crate) fn digits() -> [u8; Simple::LENGTH] {
        [0; Simple::LENGTH]
    }

    /// As it is written.
    pub(crate) fn encode(self, digits: &mut [u8; Simple::LENGTH]) -> &str {
        self.0.simple().encode_lower(digits)
    }

    /// The one that the caller gave, else a new one.
    pub(crate) fn given_by(headers: &HeaderMap) -> Self {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let given = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
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

/// Bodies up to this many bytes are sent as they are.
const SHORT: u64 = 1024;
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A path is the same with a slash at its end.
fn trim(req: &mut ServiceRequest) {
    let path = req.path().strip_suffix('/').filter(|rest| !rest.is_empty());
    let Some(path) = path else { return };
    let path_and_query = match req.query_string() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    let mut parts = req.uri().clone().into_parts();
    parts.path_and_query = path_and_query.try_into().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        req.match_info_mut().get_mut().update(&uri);
        req.head_mut().uri = uri;
    }
}

/// Gives the request an id and the answer its envelope, and logs it once.
pub(crate) async fn boundary(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let meta = RequestMeta::new(req.head());
    let RequestMeta { id, at } = meta;
    req.extensions_mut().insert(meta);
    trim(&mut req);
    let facade = req.app_data::<Data<Facade>>().cloned();
    let span = span(req.head(), id);
    // Errors of handlers and extractors arrive as responses that carry them; nothing is left that
    // could fail before them.
    let throttled = facade.as_ref().and_then(|facade| {
        let address = req.peer_addr().map(|address| address.ip());
        facade.throttle.admit_request(address).err()
    });
    let response = if let Some(error) = throttled {
        req.error_response(error).map_into_boxed_body()
    } else {
        let answering = AssertUnwindSafe(next.call(req)).catch_unwind();
        match answering.instrument(span.clone()).await {
            Ok(answered) => answered?.map_into_boxed_body(),
            Err(_) => return Err(panicked(id, &span)),
        }
    };
    let _entered = span.enter();
    let mut response = enveloped(response);
    let size = response.response().body().size();
    finish(response.headers_mut(), size, id);
    let (method, status) = (response.request().method(), response.status());
    if let Some(facade) = facade {
        let route = response.request().app_data::<Route>();
        let route = route.map_or("unmatched", |route| route.0);
        facade
            .metrics
            .answered((method, route), status, at.elapsed());
    }
    log(method, status, at.elapsed());
    Ok(response)
}

/// What the head of every answer says.
fn finish(headers: &mut HeaderMap, size: BodySize, id: RequestId) {
    if let BodySize::Sized(..=SHORT) = size {
        // Not worth compressing.
        let identity = HeaderValue::from_static("identity");
        headers.insert(header::CONTENT_ENCODING, identity);
    }
    if let Ok(value) = HeaderValue::from_str(id.encode(&mut RequestId::digits())) {
        headers.insert(X_REQUEST_ID, value);
    }
}

/// What all log lines about a request have in common.
fn span(head: &RequestHead, id: RequestId) -> Span {
    // The path without its query: a token may stand there.
    let (method, path) = (&head.method, head.uri.path());
    tracing::info_span!("request", request_id = %id, %method, %path)
}

/// Reads that succeed, of which there may be thousands a second, are counted by the metrics; in the
/// log they would push out what matters.
fn log(method: &Method, status: StatusCode, took: Duration) {
    let elapsed_us = took.as_micros();
    let is_refused = status.is_client_error() || status.is_server_error();
    let status = status.as_u16();
    if method.is_safe() && !is_refused {
        tracing::debug!(status, elapsed_us, "answered");
    } else {
        tracing::info!(status, elapsed_us, "answered");
    }
}

/// What is said when answering made us panic. The request is gone with it.
fn panicked(id: RequestId, span: &Span) -> Error {
    span.in_scope(|| tracing::error!("a request made us panic; it was answered with 500"));
    let body = json!({
        "data": {"message": "internal error"}, "error": "500", "message": "internal_error",
        "status": "error", "request_id": id,
    });
    let response = HttpResponse::InternalServerError()
        .insert_header((X_REQUEST_ID, id.to_string()))
        .json(body);
    InternalError::from_response("panicked", response).into()
}

/// Puts the envelope around an error that has none yet.
fn enveloped(response: ServiceResponse<impl MessageBody + 'static>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let ours = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t == "application/json");
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response.map_into_boxed_body();
    }
    let error = response
        .response()
        .error()
        .map_or_else(|| ApiError::of_status(status), error_of);
    let request = response.request().clone();
    let rendered = render(&request, &error);
    ServiceResponse::new(request, rendered)
}

fn error_of(error: &Error) -> ApiError {
    match error.as_error::<ApiError>() {
        Some(error) => error.clone(),
        None => ApiError::of_status(error.as_response_error().status_code()),
    }
}

fn render(request: &HttpRequest, error: &ApiError) -> HttpResponse {
    match request.app_data::<Data<Facade>>() {
        Some(facade) => refusal(request, facade, error),
        None => HttpResponse::InternalServerError().finish(),
    }
}

/// The answer to a request that failed; what an operator has to know of it goes to the log.
fn refusal(req: &HttpRequest, facade: &Facade, error: &ApiError) -> HttpResponse {
    match error {
        ApiError::BrokerUnreachable { detail, .. } => {
            tracing::error!(error = %detail, "flush failed");
        }
        ApiError::AuthUnreachable { detail } => {
            tracing::error!(error = %detail, "a token could not be checked");
        }
        ApiError::Framework { status } if status.is_server_error() => {
            tracing::error!(%status, "request failed");
        }
        other => tracing::debug!(error = %other, "refused"),
    }
    envelope::failure(req, facade, error)
}

#[cfg(test)]
mod tests {
    use actix_web::{App, middleware::from_fn, test, web};
    use serde_json::Value;

    use super::*;

    async fn panics() -> HttpResponse {
        panic!("the test says so")
    }

    #[actix_web::test]
    async fn a_panic_is_an_answer_of_its_own() {
        let app = App::new()
            .wrap(from_fn(boundary))
            .route("/panics", web::get().to(panics));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get().uri("/panics").to_request();
        let error = test::try_call_service(&app, request).await.unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), 500);
        let body = actix_web::body::to_bytes(response.into_body())
            .await
            .unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["message"], "internal_error");
    }
}
