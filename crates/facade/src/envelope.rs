//! Crossbar's envelope around every answer.

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _,
    http::header::{self, HeaderValue},
};
use kapi::write_text;
use serde::Serialize;
use serde_json::Value;

use crate::{
    Facade,
    auth::token_of,
    boundary::{RequestId, RequestMeta},
    error::ApiError,
    query::Params,
    revision::Revision,
};

/// A member's name, with what stands around it.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

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
    timestamp: Rc<str>,
    version: &'static str,
}

/// A good answer around `data`, which must be JSON; 304 if the caller has it already.
pub(crate) fn success(
    req: &HttpRequest,
    facade: &Facade,
    data: &[u8],
    extras: &Extras,
) -> Result<HttpResponse, ApiError> {
    let revision = Revision::of(data);
    answer(req, facade, (data, &revision), extras)
}

/// The same around data whose revision is known.
pub(crate) fn answer(
    req: &HttpRequest,
    facade: &Facade,
    (data, revision): (&[u8], &Revision),
    extras: &Extras,
) -> Result<HttpResponse, ApiError> {
    let pretty = Params::of(req).flag("pretty")?;
    if let Some(unchanged) = revision.unchanged(req) {
        return Ok(unchanged);
    }
    let mut envelope = before_data(req, facade, revision, extras);
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, revision.etag()));
    envelope.extend_from_slice(data);
    envelope.extend_from_slice(END.as_bytes());
    Ok(json(&mut response, Ok(envelope), pretty))
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What stands after the data.
pub(crate) const END: &str = "}";

/// What stands before the data, which comes last, so that a long list can be streamed behind it.
pub(crate) fn before_data(
    req: &HttpRequest,
    facade: &Facade,
    revision: &Revision,
    extras: &Extras,
) -> Vec<u8> {
    let mut envelope = Members::new();
    if let Some(token) = echoed_token(req, facade) {
        envelope.text(key!("auth_token"), &token);
    }
    envelope.maybe(key!("next_start_key"), extras.next_start_key.as_deref());
    envelope.text(key!("node"), &facade.node);
    envelope.maybe(key!("note"), extras.note.as_deref());
    if let Some(size) = extras.page_size {
        envelope.written(key!("page_size"), &size.to_string());
    }
    let mut digits = RequestId::digits();
    envelope.plain(
        key!("request_id"),
        RequestMeta::of(req).id.encode(&mut digits),
    );
    envelope.plain(key!("revision"), revision.digits());
    envelope.maybe(key!("start_key"), extras.start_key.as_deref());
    let of_now = |second: &Second| envelope.written(&second.success, "");
    Second::with(facade, of_now);
    envelope.maybe(key!("warning"), extras.warning.as_deref());
    envelope.written(key!("data"), "");
    envelope.begun()
}

/// Members of a JSON object, one after the other.
struct Members(Vec<u8>);

impl Members {
    /// None yet.
    fn new() -> Self {
        Self(Vec::with_capacity(512))
    }

    #[inline]
    fn written(&mut self, key: &str, value: &str) {
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(value.as_bytes());
    }

    fn text(&mut self, key: &'static str, text: &str) {
        self.written(key, "");
        write_text(text, &mut self.0);
    }

    /// A text of ours, in which nothing has to be escaped.
    #[inline]
    fn plain(&mut self, key: &'static str, text: impl AsRef<[u8]>) {
        self.written(key, "\"");
        self.0.extend_from_slice(text.as_ref());
        self.0.push(b'"');
    }

    fn maybe(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// The object, which is not ended yet.
    fn begun(mut self) -> Vec<u8> {
        // Every key has a comma before it.
        if let Some(first) = self.0.first_mut() {
            *first = b'{';
        }
        self.0
    }
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
        request_id: RequestMeta::of(req).id,
        status: if status.is_server_error() {
            "fatal"
        } else {
            "error"
        },
        timestamp: Second::with(facade, |second| Rc::clone(&second.timestamp)),
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

fn echoed_token<'a>(req: &'a HttpRequest, facade: &Facade) -> Option<Cow<'a, str>> {
    facade
        .echo_token
        .then(|| token_of(req.head()).unwrap_or_default())
}

/// What envelopes say of now. A second's texts are made once for each worker.
struct Second {
    at: i64,
    timestamp: Rc<str>,
    /// The members that a good answer has after its revision.
    success: String,
}

impl Second {
    fn of(second: i64) -> Self {
        let time = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX);
        let mut members = Members(Vec::new());
        members.plain(key!("status"), "success");
        members.plain(key!("timestamp"), time.to_string());
        members.plain(key!("version"), env!("CARGO_PKG_VERSION"));
        Self {
            at: second,
            timestamp: time.to_string().into(),
            success: String::from_utf8(members.0).unwrap_or_default(),
        }
    }

    /// Shows this second's.
    fn with<T>(facade: &Facade, show: impl FnOnce(&Self) -> T) -> T {
        thread_local! {
            static LAST: RefCell<Second> = RefCell::new(Second::of(0));
        }
        let second = i64::try_from(facade.clock.now().seconds().0).unwrap_or(i64::MAX);
        LAST.with_borrow_mut(|last| {
            if last.at != second {
                *last = Self::of(second);
            }
            show(last)
        })
    }
}
