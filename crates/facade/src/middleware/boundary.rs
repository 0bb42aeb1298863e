//! The edge of the API: rate limits, the envelope of errors, panics, metrics.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Uri,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use futures_util::FutureExt as _;
use serde_json::json;
use uuid::{Uuid, fmt::Simple};

use crate::{
    error::ApiError,
    extract::{RequestMeta, X_REQUEST_ID},
    paths::route_of,
    response::failure,
    state::Facade,
};

/// Bodies up to this many bytes are not compressed.
const SHORT: u64 = 1024;

/// Passes a request on, gives its answer the envelope and counts it.
pub(crate) async fn boundary(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let RequestMeta { id, at } = RequestMeta::of(req.request());
    trim_slash(&mut req);
    let facade = req.app_data::<Data<Facade>>().cloned();
    let throttled = facade.as_ref().and_then(|facade| {
        let address = req.peer_addr().map(|address| address.ip());
        facade.throttle.admit_request(address).err()
    });
    let response = if let Some(throttled) = throttled {
        let error = ApiError::from(throttled);
        req.error_response(error).map_into_boxed_body()
    } else {
        // Errors of handlers and extractors arrive as responses that carry them.
        match AssertUnwindSafe(next.call(req)).catch_unwind().await {
            Ok(answered) => answered?.map_into_boxed_body(),
            Err(_) => return Err(panicked(id)),
        }
    };
    let mut response = enveloped(response);
    let size = response.response().body().size();
    set_headers(response.headers_mut(), size, id);
    if let Some(facade) = facade {
        let (request, status) = (response.request(), response.status());
        let route = (request.method(), route_of(request));
        facade.metrics.answered(route, status, at.elapsed());
    }
    Ok(response)
}

/// Removes a slash from the path's end, where it makes no difference.
fn trim_slash(req: &mut ServiceRequest) {
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

fn set_headers(headers: &mut HeaderMap, size: BodySize, id: Simple) {
    if let BodySize::Sized(..=SHORT) = size {
        let identity = HeaderValue::from_static("identity");
        headers.insert(header::CONTENT_ENCODING, identity);
    }
    if let Ok(value) = HeaderValue::from_str(id.encode_lower(&mut Uuid::encode_buffer())) {
        headers.insert(X_REQUEST_ID, value);
    }
}

/// The answer where a handler panicked. The request is gone with it.
fn panicked(id: Simple) -> Error {
    tracing::error!("a request made us panic; it was answered with 500");
    let body = json!({
        "data": {"message": "internal error"}, "error": "500", "message": "internal_error",
        "status": "error", "request_id": id.to_string(),
    });
    let response = HttpResponse::InternalServerError()
        .insert_header((X_REQUEST_ID, id.to_string()))
        .json(body);
    InternalError::from_response("panicked", response).into()
}

/// Puts the envelope around an error that has none yet.
fn enveloped(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|kind| kind == "application/json") {
        return response;
    }
    let error = match response.response().error() {
        None => ApiError::of_status(status),
        Some(error) => error.as_error().cloned().unwrap_or_else(|| {
            let status = error.as_response_error().status_code();
            ApiError::of_status(status)
        }),
    };
    let request = response.request().clone();
    let refusal = refusal(&request, &error);
    ServiceResponse::new(request, refusal)
}

/// The answer to a request that failed; an operator finds the cause in the log.
fn refusal(req: &HttpRequest, error: &ApiError) -> HttpResponse {
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
        other => tracing::debug!(error = ?other, "refused"),
    }
    match req.app_data::<Data<Facade>>() {
        Some(facade) => failure(req, facade, error),
        None => HttpResponse::InternalServerError().finish(),
    }
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
