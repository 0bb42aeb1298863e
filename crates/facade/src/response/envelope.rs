//! Crossbar's envelope around every answer.

use std::borrow::Cow;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{self, HeaderValue},
};
use kapi::write_text;
use serde_json::Value;
use uuid::Uuid;

use super::{revision::Revision, second::timestamp};
use crate::{
    error::ApiError,
    extract::{Params, RequestMeta, token_of},
    state::Facade,
    throttle::Throttled,
};

/// What handlers return.
pub(crate) type Answer = Result<HttpResponse, ApiError>;

/// The type of JSON answers.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Members that only some answers have.
#[derive(Default)]
pub(crate) struct Extras {
    /// For lists: how many items are in this answer.
    pub(crate) page_size: Option<usize>,
    /// For pages: where this one begins, if not at the beginning.
    pub(crate) start_key: Option<String>,
    /// For pages: where the next one begins, if there is one.
    pub(crate) next_start_key: Option<String>,
    /// What else will happen by itself.
    pub(crate) note: Option<String>,
    /// Something the caller should know though all went well.
    pub(crate) warning: Option<String>,
}

/// Answers with `data`, which must be JSON; 304 if the caller has it already.
pub(crate) fn success(req: &HttpRequest, facade: &Facade, data: &[u8], extras: &Extras) -> Answer {
    answer(req, facade, (data, &Revision::of(data)), extras)
}

/// Answers with a count.
pub(crate) fn counted(req: &HttpRequest, facade: &Facade, count: usize) -> Answer {
    let data = format!("{{\"count\":{count}}}");
    let revision = Revision::of_count(count);
    answer(
        req,
        facade,
        (data.as_bytes(), &revision),
        &Extras::default(),
    )
}

/// Like [`success`], with data whose revision is known.
pub(crate) fn answer(
    req: &HttpRequest,
    facade: &Facade,
    (data, revision): (&[u8], &Revision),
    extras: &Extras,
) -> Answer {
    let pretty = Params::of(req).flag("pretty")?;
    if let Some(unchanged) = revision.unchanged(req) {
        return Ok(unchanged);
    }
    let mut envelope = before_data(req, facade, revision, extras);
    envelope.extend_from_slice(data);
    envelope.push(b'}');
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, revision.etag()));
    Ok(json(&mut response, envelope, pretty))
}

/// The envelope up to its data, which comes last, so that a long list can be streamed behind it.
pub(crate) fn before_data(
    req: &HttpRequest,
    facade: &Facade,
    revision: &Revision,
    extras: &Extras,
) -> Vec<u8> {
    let mut envelope = Members::default();
    if let Some(token) = echoed_token(req, facade) {
        envelope.text("auth_token", &token);
    }
    envelope.maybe("next_start_key", extras.next_start_key.as_deref());
    envelope.text("node", &facade.node);
    envelope.maybe("note", extras.note.as_deref());
    if let Some(size) = extras.page_size {
        envelope
            .value("page_size")
            .extend_from_slice(size.to_string().as_bytes());
    }
    envelope.id(req);
    envelope.text("revision", revision.digits());
    envelope.maybe("start_key", extras.start_key.as_deref());
    envelope.text("status", "success");
    envelope.text("timestamp", &timestamp(&*facade.clock));
    envelope.text("version", VERSION);
    envelope.maybe("warning", extras.warning.as_deref());
    envelope.value("data");
    envelope.0
}

/// Members of a JSON object, one after the other.
struct Members(Vec<u8>);

impl Default for Members {
    fn default() -> Self {
        Self(Vec::with_capacity(1024))
    }
}

impl Members {
    /// Begins a member; its value is to be appended to what this returns.
    fn value(&mut self, key: &'static str) -> &mut Vec<u8> {
        let separator = if self.0.is_empty() { b'{' } else { b',' };
        self.0.extend_from_slice(&[separator, b'"']);
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        &mut self.0
    }

    fn text(&mut self, key: &'static str, text: &str) {
        write_text(text, self.value(key));
    }

    fn id(&mut self, req: &HttpRequest) {
        let id = RequestMeta::of(req).id;
        self.text("request_id", id.encode_lower(&mut Uuid::encode_buffer()));
    }

    fn maybe(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }
}

/// Answers a request that failed.
pub(crate) fn failure(req: &HttpRequest, facade: &Facade, error: &ApiError) -> HttpResponse {
    let (status, code) = error.status_and_code();
    let mut envelope = Members::default();
    if let Some(token) = echoed_token(req, facade) {
        envelope.text("auth_token", &token);
    }
    let data = error.data().to_string();
    envelope.value("data").extend_from_slice(data.as_bytes());
    envelope.text("error", status.as_str());
    envelope.text("message", code);
    envelope.text("node", &facade.node);
    envelope.id(req);
    let is_ours = status.is_server_error();
    envelope.text("status", if is_ours { "fatal" } else { "error" });
    envelope.text("timestamp", &timestamp(&*facade.clock));
    envelope.text("version", VERSION);
    envelope.0.push(b'}');
    let mut response = HttpResponse::build(status);
    if let ApiError::InvalidMethod { allow } = error {
        response.insert_header((header::ALLOW, *allow));
    }
    if let ApiError::TooManyRequests(Throttled { retry_after }) = error {
        response.insert_header((header::RETRY_AFTER, *retry_after));
    }
    let pretty = Params::of(req).flag("pretty").unwrap_or(false);
    json(&mut response, envelope.0, pretty)
}

/// A response with this envelope, indented if `pretty`.
pub(crate) fn json(
    response: &mut HttpResponseBuilder,
    envelope: Vec<u8>,
    pretty: bool,
) -> HttpResponse {
    let indented = || {
        let envelope: Value = serde_json::from_slice(&envelope).ok()?;
        serde_json::to_vec_pretty(&envelope).ok()
    };
    let indented = pretty.then(indented).flatten();
    response
        .content_type(JSON)
        .body(indented.unwrap_or(envelope))
}

fn echoed_token<'a>(req: &'a HttpRequest, facade: &Facade) -> Option<Cow<'a, str>> {
    let token = || token_of(req.head()).unwrap_or_default();
    facade.echo_token.then(token)
}
