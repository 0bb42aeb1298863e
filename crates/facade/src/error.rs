//! Every way a request can fail, with what the caller is told.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use registrar::FlushError;
use serde_json::{Value, json};

use crate::throttle::Throttled;

/// A failed request. [`ApiError::description`] is for the caller, `Display` for the log; the boundary
/// writes the envelope.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{parameter}: got {got:?}, takes {takes}")]
    Parse {
        parameter: &'static str,
        got: String,
        takes: &'static str,
    },
    #[error("no valid token")]
    InvalidCredentials,
    #[error("the token has no right to do this")]
    Forbidden,
    #[error("unknown {what} {identifier:?}")]
    BadIdentifier {
        what: &'static str,
        identifier: String,
    },
    #[error("no such path")]
    FaultyRequest,
    #[error("the Accept header takes no type that there is")]
    NotAcceptable,
    #[error("method not allowed")]
    InvalidMethod { allow: &'static str },
    #[error("the {what} is too large")]
    TooLarge {
        what: &'static str,
        status: StatusCode,
    },
    #[error("{detail}")]
    BrokerUnreachable {
        detail: String,
        forgotten: usize,
        zones: Vec<String>,
    },
    /// The token or the account could not be checked.
    #[error("{detail}")]
    AuthUnreachable { detail: String },
    #[error("no zone is connected to RabbitMQ")]
    NoBroker,
    #[error("a sync is already running")]
    Busy,
    #[error("stopping")]
    Stopping,
    #[error("the request took too long")]
    Timeout,
    #[error(transparent)]
    TooManyRequests(#[from] Throttled),
    /// Any other error of actix-web's.
    #[error("{status}")]
    Framework { status: StatusCode },
}

/// What the caller is told of an error.
pub(crate) struct Description {
    pub(crate) status: StatusCode,
    /// The short name that clients tell errors by. Never changes.
    pub(crate) code: &'static str,
    /// What was wrong and what to do.
    pub(crate) data: Value,
}

impl ApiError {
    /// A parameter that cannot be used; the value is cut to a length that can be shown.
    pub(crate) fn bad_parameter(parameter: &'static str, got: &str, takes: &'static str) -> Self {
        Self::Parse {
            parameter,
            got: got.chars().take(300).collect(),
            takes,
        }
    }

    /// An error that actix-web answers with this status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let too_large = |what| Self::TooLarge { what, status };
        match status {
            StatusCode::NOT_FOUND => Self::FaultyRequest,
            StatusCode::PAYLOAD_TOO_LARGE => too_large("body"),
            StatusCode::URI_TOO_LONG => too_large("URI"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => too_large("header"),
            StatusCode::BAD_REQUEST => Self::bad_parameter("request", "", "well-formed HTTP"),
            other => Self::Framework { status: other },
        }
    }

    /// Status, code and text.
    pub(crate) fn description(&self) -> Description {
        let (status, code, data) = match self {
            Self::BrokerUnreachable {
                forgotten, zones, ..
            } => broker_unreachable(*forgotten, zones),
            Self::NoBroker => (
                StatusCode::SERVICE_UNAVAILABLE,
                "broker_unreachable",
                json!({"message": "no zone is connected to RabbitMQ, so nobody was asked: try again"}),
            ),
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                json!({"message": "this node stops: ask another, or again in a moment"}),
            ),
            Self::AuthUnreachable { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "datastore_unreachable",
                json!({"message": "the token or the account could not be checked: Crossbar does not answer; try again"}),
            ),
            Self::Framework { status } => {
                let code = if status.is_server_error() {
                    "internal_error"
                } else {
                    "bad_request"
                };
                let message = status.canonical_reason().unwrap_or("the request failed");
                (*status, code, json!({"message": message}))
            }
            other => other.refusal(),
        };
        Description { status, code, data }
    }

    /// Of what the caller can change.
    fn refusal(&self) -> (StatusCode, &'static str, Value) {
        match self {
            Self::Parse {
                parameter,
                got,
                takes,
            } => {
                let message = format!("{parameter} cannot be used: it takes {takes}");
                let data = json!({"message": message, "cause": got, *parameter: {"got": got, "takes": takes}});
                (StatusCode::BAD_REQUEST, "parse_error", data)
            }
            Self::InvalidCredentials => (
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                json!({"message": "no valid token: send one as X-Auth-Token, auth_token or Authorization: Bearer"}),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                json!({"message": "this token has no right to do this to this account"}),
            ),
            Self::BadIdentifier { what, identifier } => (
                StatusCode::NOT_FOUND,
                "bad_identifier",
                json!({"message": format!("unknown {what}"), "cause": identifier}),
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not_acceptable",
                json!({"message": "the Accept header takes no type that there is", "cause": "supported types: application/json; lists also text/csv"}),
            ),
            Self::InvalidMethod { allow } => (
                StatusCode::METHOD_NOT_ALLOWED,
                "invalid_method",
                json!({"message": "this path does not take this method", "cause": format!("allowed: {allow}")}),
            ),
            Self::TooLarge { what, status } => (
                *status,
                "too_large",
                json!({"message": format!("the {what} is larger than is taken")}),
            ),
            Self::Busy => (
                StatusCode::CONFLICT,
                "busy",
                json!({"message": "a sync is already running: wait for its end"}),
            ),
            Self::Timeout => (
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                json!({"message": "the request's body did not come in time"}),
            ),
            Self::TooManyRequests(Throttled { retry_after }) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                json!({
                    "message": "too many requests, or too many with a bad token",
                    "cause": format!("try again in {retry_after} seconds"),
                }),
            ),
            _ => (
                StatusCode::NOT_FOUND,
                "faulty_request",
                json!({"message": "no such path"}),
            ),
        }
    }
}

fn broker_unreachable(forgotten: usize, zones: &[String]) -> (StatusCode, &'static str, Value) {
    let data = if forgotten == 0 {
        json!({
            "message": "the flush could not be handed to RabbitMQ: nothing was flushed, try again",
            "zones": zones,
        })
    } else {
        json!({
            "message": "the flush could not be handed to RabbitMQ for every realm: try again",
            "cause": format!("{forgotten} registrations were flushed before"),
            "zones": zones,
        })
    };
    (StatusCode::SERVICE_UNAVAILABLE, "broker_unreachable", data)
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.description().status
    }

    /// Empty: the boundary, which knows the request, writes the envelope.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<FlushError> for ApiError {
    fn from(error: FlushError) -> Self {
        let detail = error.to_string();
        match error {
            FlushError::Unsafe { what, name, .. } => Self::unsafe_name(what, &name),
            FlushError::NotRegistered(identifier) => Self::BadIdentifier {
                what: "username",
                identifier,
            },
            FlushError::Unreachable { forgotten, missing } => Self::BrokerUnreachable {
                detail,
                forgotten,
                zones: missing
                    .iter()
                    .map(|(zone, _)| zone.as_str().to_owned())
                    .collect(),
            },
        }
    }
}

impl ApiError {
    /// A name that must not be sent to a proxy.
    pub(crate) fn unsafe_name(parameter: &'static str, name: &str) -> Self {
        let takes = "1 to 255 bytes without quotes, backslash, `;`, `%` or control characters";
        Self::bad_parameter(parameter, name, takes)
    }
}
