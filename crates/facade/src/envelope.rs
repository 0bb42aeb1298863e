//! Crossbar's envelope around every answer.

use std::fmt::Write as _;

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _,
    http::{StatusCode, header},
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use sha2::{Digest as _, Sha256};

use crate::{Facade, auth::token_of, boundary::RequestId, error::ApiError, query::Params};

/// What an answer holds besides its data.
#[derive(Default)]
pub(crate) struct Extras {
    /// For lists: how many are in this answer.
    pub(crate) page_size: Option<usize>,
    /// What else will happen by itself.
    pub(crate) note: Option<String>,
    /// Something the caller should know though all went well.
    pub(crate) warning: Option<String>,
}

#[derive(Serialize)]
struct Success<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<String>,
    data: &'a RawValue,
    node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_size: Option<usize>,
    request_id: &'a str,
    revision: &'a str,
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
    data: Vec<u8>,
    extras: Extras,
) -> Result<HttpResponse, ApiError> {
    let pretty = Params::of(req).flag("pretty")?;
    let revision = revision(&data);
    let etag = format!("\"{revision}\"");
    if has_already(req, &etag) {
        return Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, etag))
            .finish());
    }
    let internal = |_| ApiError::Framework {
        status: StatusCode::INTERNAL_SERVER_ERROR,
    };
    let data = String::from_utf8(data).map_err(|_| ApiError::Framework {
        status: StatusCode::INTERNAL_SERVER_ERROR,
    })?;
    let envelope = Success {
        auth_token: echoed_token(req, facade),
        data: &RawValue::from_string(data).map_err(internal)?,
        node: &facade.node,
        note: extras.note,
        page_size: extras.page_size,
        request_id: &RequestId::of(req),
        revision: &revision,
        status: "success",
        timestamp: timestamp(facade),
        version: env!("CARGO_PKG_VERSION"),
        warning: extras.warning,
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, etag));
    Ok(json(&mut response, &envelope, pretty))
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
    json(
        &mut response,
        &envelope,
        Params::of(req).flag("pretty").unwrap_or(false),
    )
}

fn json(
    response: &mut HttpResponseBuilder,
    envelope: &impl Serialize,
    pretty: bool,
) -> HttpResponse {
    let body = if pretty {
        // Through a Value, so that the data is indented along with its envelope.
        serde_json::to_value(envelope).and_then(|envelope| serde_json::to_vec_pretty(&envelope))
    } else {
        serde_json::to_vec(envelope)
    };
    match body {
        Ok(body) => response.content_type("application/json").body(body),
        Err(error) => {
            tracing::error!(%error, "cannot write the answer");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// A strong validator of the data: equal content, equal revision.
fn revision(data: &[u8]) -> String {
    let digest = Sha256::digest(data);
    let (half, _) = digest.split_at(16);
    half.iter()
        .fold(String::with_capacity(32), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn has_already(req: &HttpRequest, etag: &str) -> bool {
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
