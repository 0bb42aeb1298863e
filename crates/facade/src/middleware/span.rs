//! A request's span and its one log line.

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use tracing::Span;
use tracing_actix_web::RootSpanBuilder;

use crate::extract::RequestMeta;

/// Opens the span that all log lines of a request are in.
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let meta = RequestMeta::new(request.head());
        request.extensions_mut().insert(meta);
        // The path without its query: a token may stand there.
        let (id, method, path) = (meta.id, request.method(), request.path());
        tracing::info_span!("request", request_id = %id, %method, %path)
    }

    /// Reads that succeed are logged at `debug` only: there may be thousands a second, and metrics
    /// count them.
    fn on_request_end<B: MessageBody>(_: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        // A panic has left its own line.
        let Ok(response) = outcome else { return };
        let (request, status) = (response.request(), response.status());
        let elapsed_us = RequestMeta::of(request).at.elapsed().as_micros();
        let is_refused = status.is_client_error() || status.is_server_error();
        let status = status.as_u16();
        if request.method().is_safe() && !is_refused {
            tracing::debug!(status, elapsed_us, "answered");
        } else {
            tracing::info!(status, elapsed_us, "answered");
        }
    }
}
