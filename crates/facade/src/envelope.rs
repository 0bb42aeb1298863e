//! Crossbar's envelope around every answer.

use std::borrow::Cow;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError as _,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use kapi::write_text;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    Facade, asked::Asked, auth::token_of, boundary::RequestId, error::ApiError, pieces::Pieces,
    query::Params,
};

/// What an answer holds besides its data.
#[derive(Default)]
pub(crate) struct Extras {
    /// For lists: how many are in this answer.
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

#[derive(Serialize)]
struct Failure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<Cow<'a, str>>,
    data: Value,
    error: String,
    message: &'static str,
    node: &'a str,
    request_id: RequestId,
    status: &'static str,
    timestamp: String,
    version: &'static str,
}

/// A good answer around `data`, which must be JSON; 304 if the caller has it already.
pub(crate) fn success(
    req: &dyn Asked,
    facade: &Facade,
    data: Vec<u8>,
    extras: &Extras,
) -> Result<HttpResponse, ApiError> {
    let revision = revision(&data);
    answer(req, facade, (data.into(), &revision), extras)
}

/// The same around data whose revision is known.
pub(crate) fn answer(
    req: &dyn Asked,
    facade: &Facade,
    (data, revision): (Bytes, &str),
    extras: &Extras,
) -> Result<HttpResponse, ApiError> {
    let pretty = Params::of(req).flag("pretty")?;
    if let Some(unchanged) = unchanged(req, revision) {
        return Ok(unchanged);
    }
    let (mut head, tail) = around(req, facade, revision, extras);
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, quoted(revision)));
    if pretty {
        let body = Pieces::new([head.into(), data, tail.into()]).join();
        return Ok(json(&mut response, Ok(body), pretty));
    }
    response.content_type(JSON);
    if data.len() > COPIED {
        let body = Pieces::new([head.into(), data, tail.into()]);
        return Ok(response.body(body));
    }
    head.reserve(data.len() + tail.len());
    head.extend_from_slice(&data);
    head.extend_from_slice(&tail);
    Ok(response.body(head))
}

/// Data up to so many bytes is sooner copied than sent as a piece of its own.
const COPIED: usize = 4096;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What stands before and after the data.
pub(crate) fn around(
    req: &dyn Asked,
    facade: &Facade,
    revision: &str,
    extras: &Extras,
) -> (Vec<u8>, Vec<u8>) {
    let mut head = Members::new(256);
    if let Some(token) = echoed_token(req, facade) {
        head.text("auth_token", &token);
    }
    head.name("data");
    let mut tail = Members::after(512);
    tail.maybe("next_start_key", extras.next_start_key.as_deref());
    tail.text("node", &facade.node);
    tail.maybe("note", extras.note.as_deref());
    if let Some(size) = extras.page_size {
        tail.name("page_size");
        tail.0.extend_from_slice(size.to_string().as_bytes());
    }
    tail.text("request_id", req.id().encode(&mut RequestId::digits()));
    tail.text("revision", revision);
    tail.maybe("start_key", extras.start_key.as_deref());
    tail.text("status", "success");
    tail.text("timestamp", &timestamp(facade));
    tail.text("version", env!("CARGO_PKG_VERSION"));
    tail.maybe("warning", extras.warning.as_deref());
    tail.0.push(b'}');
    (head.0, tail.0)
}

/// Members of a JSON object, one after the other.
struct Members(Vec<u8>);

impl Members {
    /// The first of them.
    fn new(capacity: usize) -> Self {
        let mut text = Vec::with_capacity(capacity);
        text.push(b'{');
        Self(text)
    }

    /// Those that follow others.
    fn after(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    fn name(&mut self, name: &'static str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        write_text(text, &mut self.0);
    }

    fn maybe(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }
}

/// A revision as a header has it.
fn quoted(revision: &str) -> String {
    ["\"", revision, "\""].concat()
}

/// A strong validator of data: equal content, equal revision.
pub(crate) fn revision(data: &[u8]) -> String {
    hex_half(&Sha256::digest(data))
}

/// 304, if the caller has data of this revision already.
pub(crate) fn unchanged(req: &dyn Asked, revision: &str) -> Option<HttpResponse> {
    if !req.head().headers.contains_key(header::IF_NONE_MATCH) {
        return None;
    }
    let etag = quoted(revision);
    has_already(req, &etag).then(|| {
        HttpResponse::NotModified()
            .insert_header((header::ETAG, etag))
            .finish()
    })
}

/// The answer to a request that failed.
pub(crate) fn failure(req: &dyn Asked, facade: &Facade, error: &ApiError) -> HttpResponse {
    let status = error.status_code();
    let envelope = Failure {
        auth_token: echoed_token(req, facade),
        data: error.data(),
        error: status.as_str().to_owned(),
        message: error.message(),
        node: &facade.node,
        request_id: req.id(),
        status: if status.is_server_error() {
            "fatal"
        } else {
            "error"
        },
        timestamp: timestamp(facade),
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut response = HttpResponse::build(status);
    if let ApiError::InvalidMethod { allow } = error {
        response.insert_header((header::ALLOW, *allow));
    }
    if let ApiError::TooManyRequests { retry_after } = error {
        response.insert_header((header::RETRY_AFTER, *retry_after));
    }
    json(
        &mut response,
        serde_json::to_vec(&envelope),
        Params::of(req).flag("pretty").unwrap_or(false),
    )
}

/// The answer with this envelope, indented if that is asked for.
fn json(
    response: &mut HttpResponseBuilder,
    envelope: serde_json::Result<Vec<u8>>,
    pretty: bool,
) -> HttpResponse {
    let indented = |envelope: Vec<u8>| {
        let envelope: Value = serde_json::from_slice(&envelope)?;
        serde_json::to_vec_pretty(&envelope)
    };
    match if pretty {
        envelope.and_then(indented)
    } else {
        envelope
    } {
        Ok(body) => response.content_type(JSON).body(body),
        Err(error) => {
            tracing::error!(%error, "cannot write the answer");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// A strong validator of data by its digest: equal content, equal revision.
pub(crate) fn hex_half(digest: &[u8]) -> String {
    let mut digits = vec![0; 32];
    // A digest is longer than that.
    let _ = hex::encode_to_slice(digest.get(..16).unwrap_or(digest), &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

pub(crate) fn has_already(req: &dyn Asked, etag: &str) -> bool {
    let is_read = matches!(req.head().method.as_str(), "GET" | "HEAD");
    let values = (req.head().headers)
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    is_read && tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn echoed_token<'a>(req: &'a dyn Asked, facade: &Facade) -> Option<Cow<'a, str>> {
    facade.echo_token.then(|| token_of(req).unwrap_or_default())
}

fn timestamp(facade: &Facade) -> String {
    let seconds = i64::try_from(facade.clock.now().seconds().0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}
