//! Crossbar's envelope around every answer.

use std::fmt::Write as _;

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _,
    http::{StatusCode, header},
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{Facade, auth::token_of, boundary::RequestId, error::ApiError, query::Params};

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
struct Success<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<String>,
    data: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    next_start_key: Option<String>,
    node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_size: Option<usize>,
    request_id: &'a str,
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
    auth_token: Option<String>,
    data: Value,
    error: String,
    message: &'static str,
    node: &'a str,
    request_id: &'a str,
    status: &'static str,
    timestamp: String,
    version: &'static str,
}

/// A good answer around `data`, which must be JSON; 304 if the caller has it already.
pub(crate) fn success(
    req: &HttpRequest,
    facade: &Facade,
    data: &[u8],
    extras: Extras,
) -> Result<HttpResponse, ApiError> {
    answer(req, facade, (data, &revision(data)), extras)
}

/// The same around data whose revision is known.
pub(crate) fn answer(
    req: &HttpRequest,
    facade: &Facade,
    (data, revision): (&[u8], &str),
    extras: Extras,
) -> Result<HttpResponse, ApiError> {
    let pretty = Params::of(req).flag("pretty")?;
    if let Some(unchanged) = unchanged(req, revision) {
        return Ok(unchanged);
    }
    let (head, tail) = around(req, facade, revision, extras)?;
    let mut body = Vec::with_capacity(head.len() + data.len() + tail.len());
    for part in [&*head, data, &*tail] {
        body.extend_from_slice(part);
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, format!("\"{revision}\"")));
    Ok(json(&mut response, Ok(body), pretty))
}

const INTERNAL: ApiError = ApiError::Framework {
    status: StatusCode::INTERNAL_SERVER_ERROR,
};

/// What stands before and after the data.
pub(crate) fn around(
    req: &HttpRequest,
    facade: &Facade,
    revision: &str,
    extras: Extras,
) -> Result<(Vec<u8>, Vec<u8>), ApiError> {
    // It can stand nowhere else: within a text its quotes would be escaped.
    const NO_DATA: &str = "\"data\":null";
    let envelope = Success {
        auth_token: echoed_token(req, facade),
        data: (),
        next_start_key: extras.next_start_key,
        node: &facade.node,
        note: extras.note,
        page_size: extras.page_size,
        request_id: &RequestId::of(req),
        revision,
        start_key: extras.start_key,
        status: "success",
        timestamp: timestamp(facade),
        version: env!("CARGO_PKG_VERSION"),
        warning: extras.warning,
    };
    let envelope = serde_json::to_string(&envelope).map_err(|_| INTERNAL)?;
    let (head, tail) = envelope.split_once(NO_DATA).ok_or(INTERNAL)?;
    Ok((
        format!("{head}\"data\":").into_bytes(),
        tail.as_bytes().to_vec(),
    ))
}

/// A strong validator of data: equal content, equal revision.
pub(crate) fn revision(data: &[u8]) -> String {
    hex_half(&Sha256::digest(data))
}

/// 304, if the caller has data of this revision already.
pub(crate) fn unchanged(req: &HttpRequest, revision: &str) -> Option<HttpResponse> {
    let etag = format!("\"{revision}\"");
    has_already(req, &etag).then(|| {
        HttpResponse::NotModified()
            .insert_header((header::ETAG, etag))
            .finish()
    })
}

/// The answer to a request that failed.
pub(crate) fn failure(req: &HttpRequest, facade: &Facade, error: &ApiError) -> HttpResponse {
    let status = error.status_code();
    let envelope = Failure {
        auth_token: echoed_token(req, facade),
        data: error.data(),
        error: status.as_str().to_owned(),
        message: error.message(),
        node: &facade.node,
        request_id: &RequestId::of(req),
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
        Ok(body) => response.content_type("application/json").body(body),
        Err(error) => {
            tracing::error!(%error, "cannot write the answer");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// A strong validator of data by its digest: equal content, equal revision.
pub(crate) fn hex_half(digest: &[u8]) -> String {
    let half = digest.get(..16).unwrap_or(digest);
    half.iter()
        .fold(String::with_capacity(32), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

pub(crate) fn has_already(req: &HttpRequest, etag: &str) -> bool {
    let is_read = matches!(req.method().as_str(), "GET" | "HEAD");
    let values = req
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    is_read && tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn echoed_token(req: &HttpRequest, facade: &Facade) -> Option<String> {
    facade.echo_token.then(|| token_of(req).unwrap_or_default())
}

fn timestamp(facade: &Facade) -> String {
    let seconds = i64::try_from(facade.clock.now().seconds().0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

impl RequestId {
    /// The id that the boundary gave the request.
    pub(crate) fn of(req: &HttpRequest) -> String {
        req.extensions()
            .get::<Self>()
            .map(|id| id.0.clone())
            .unwrap_or_default()
    }
}
