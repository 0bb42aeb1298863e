//! Crossbar's envelope around every answer.

use std::borrow::Cow;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError as _,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::Bytes,
};
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

/// What comes before the data of a good answer.
#[derive(Serialize)]
struct Before<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<Cow<'a, str>>,
}

/// What comes after it.
#[derive(Serialize)]
struct After<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_start_key: Option<String>,
    node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_size: Option<usize>,
    request_id: RequestId,
    revision: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_key: Option<String>,
    status: &'static str,
    timestamp: String,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
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
    extras: Extras,
) -> Result<HttpResponse, ApiError> {
    let revision = revision(&data);
    answer(req, facade, (data.into(), &revision), extras)
}

/// The same around data whose revision is known.
pub(crate) fn answer(
    req: &dyn Asked,
    facade: &Facade,
    (data, revision): (Bytes, &str),
    extras: Extras,
) -> Result<HttpResponse, ApiError> {
    let pretty = Params::of(req).flag("pretty")?;
    if let Some(unchanged) = unchanged(req, revision) {
        return Ok(unchanged);
    }
    let (head, tail) = around(req, facade, revision, extras)?;
    let body = Pieces::new([head.into(), data, tail.into()]);
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, quoted(revision)));
    if pretty {
        return Ok(json(&mut response, Ok(body.join()), pretty));
    }
    Ok(response.content_type(JSON).body(body))
}

const INTERNAL: ApiError = ApiError::Framework {
    status: StatusCode::INTERNAL_SERVER_ERROR,
};
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What stands before and after the data.
pub(crate) fn around(
    req: &dyn Asked,
    facade: &Facade,
    revision: &str,
    extras: Extras,
) -> Result<(Vec<u8>, Vec<u8>), ApiError> {
    let before = Before {
        auth_token: echoed_token(req, facade),
    };
    let after = After {
        next_start_key: extras.next_start_key,
        node: &facade.node,
        note: extras.note,
        page_size: extras.page_size,
        request_id: req.id(),
        revision,
        start_key: extras.start_key,
        status: "success",
        timestamp: timestamp(facade),
        version: env!("CARGO_PKG_VERSION"),
        warning: extras.warning,
    };
    let mut head = Vec::with_capacity(128);
    let mut tail = Vec::with_capacity(512);
    serde_json::to_writer(&mut head, &before).map_err(|_| INTERNAL)?;
    serde_json::to_writer(&mut tail, &after).map_err(|_| INTERNAL)?;
    // One object of the two.
    head.pop();
    if before.auth_token.is_some() {
        head.push(b',');
    }
    head.extend_from_slice(b"\"data\":");
    if let Some(brace) = tail.first_mut() {
        *brace = b',';
    }
    Ok((head, tail))
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
