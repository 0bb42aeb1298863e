//! Every way a request can fail, with what the caller is told.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use registrar::FlushError;
use serde_json::{Value, json};

/// A failed request. The text for the caller is in [`ApiError::data`]; the boundary writes the
/// envelope around it and the log line.
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
    #[error("nothing here is of a kind that the caller takes")]
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
    /// There is nobody to ask.
    #[error("no zone is connected to RabbitMQ")]
    NoBroker,
    /// The same is being done already.
    #[error("busy")]
    Busy,
    #[error("stopping")]
    Stopping,
    #[error("the request took too long")]
    Timeout,
    #[error("too many requests")]
    TooManyRequests { retry_after: u64 },
    #[error("{status}")]
    Framework { status: StatusCode },
}

impl ApiError {
    /// Whatever actix-web made of a request that it could not read.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::FaultyRequest,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge {
                what: "body",
                status,
            },
            StatusCode::URI_TOO_LONG => Self::TooLarge {
                what: "URI",
                status,
            },
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::TooLarge {
                what: "header",
                status,
            },
            StatusCode::BAD_REQUEST => Self::Parse {
                parameter: "request",
                got: String::new(),
                takes: "well-formed HTTP",
            },
            other => Self::Framework { status: other },
        }
    }

    /// The short name that clients tell errors by.
    pub(crate) fn message(&self) -> &'static str {
        match self {
            Self::Parse { .. } => "parse_error",
            Self::InvalidCredentials => "invalid_credentials",
            Self::Forbidden => "forbidden",
            Self::BadIdentifier { .. } => "bad_identifier",
            Self::FaultyRequest => "faulty_request",
            Self::NotAcceptable => "not_acceptable",
            Self::InvalidMethod { .. } => "invalid_method",
            Self::AuthUnreachable { .. } => "datastore_unreachable",
            Self::Busy => "busy",
            Self::Stopping => "stopping",
            Self::Timeout => "request_timeout",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::TooLarge { .. } => "too_large",
            Self::BrokerUnreachable { .. } | Self::NoBroker => "broker_unreachable",
            Self::Framework { status } if status.is_server_error() => "internal_error",
            Self::Framework { .. } => "bad_request",
        }
    }

    /// What was wrong and what to do.
    pub(crate) fn data(&self) -> Value {
        match self {
            Self::Parse {
                parameter,
                got,
                takes,
            } => {
                let message = format!("{parameter} cannot be used: it takes {takes}");
                json!({"message": message, "cause": got, *parameter: {"got": got, "takes": takes}})
            }
            Self::InvalidCredentials => json!({
                "message": "no valid token: send one as X-Auth-Token, auth_token or Authorization: Bearer"
            }),
            Self::Forbidden => {
                json!({"message": "this token has no right to do this to this account"})
            }
            Self::BadIdentifier { what, identifier } => {
                json!({"message": format!("unknown {what}"), "cause": identifier})
            }
            Self::FaultyRequest => json!({"message": "no such path"}),
            Self::NotAcceptable => {
                json!({"message": "nothing here is of a kind that the Accept header takes", "cause": "application/json; lists also text/csv"})
            }
            Self::AuthUnreachable { .. } => json!({
                "message": "the token or the account could not be checked: Crossbar does not answer; try again"
            }),
            Self::Timeout => {
                json!({"message": "the request's body did not come in time"})
            }
            Self::NoBroker => {
                json!({"message": "no zone is connected to RabbitMQ, so nobody was asked: try again"})
            }
            Self::Busy => {
                json!({"message": "this is being done already: wait for its end"})
            }
            Self::Stopping => {
                json!({"message": "this node stops: ask another, or again in a moment"})
            }
            Self::TooManyRequests { retry_after } => json!({
                "message": "too many requests, or too many with a bad token",
                "cause": format!("try again in {retry_after} seconds"),
            }),
            Self::InvalidMethod { allow } => {
                json!({"message": "this path does not take this method", "cause": format!("allowed: {allow}")})
            }
            Self::TooLarge { what, .. } => {
                json!({"message": format!("the {what} is larger than is taken")})
            }
            Self::BrokerUnreachable {
                forgotten: 0,
                zones,
                ..
            } => json!({
                "message": "the flush could not be handed to RabbitMQ: nothing was flushed, try again",
                "zones": zones,
            }),
            Self::BrokerUnreachable {
                forgotten, zones, ..
            } => json!({
                "message": "the flush could not be handed to RabbitMQ for every realm: try again",
                "cause": format!("{forgotten} registrations were flushed before"),
                "zones": zones,
            }),
            Self::Framework { status } => {
                json!({"message": status.canonical_reason().unwrap_or("the request failed")})
            }
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Parse { .. } => StatusCode::BAD_REQUEST,
            Self::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::BadIdentifier { .. } | Self::FaultyRequest => StatusCode::NOT_FOUND,
            Self::InvalidMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy => StatusCode::CONFLICT,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::BrokerUnreachable { .. }
            | Self::AuthUnreachable { .. }
            | Self::NoBroker
            | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge { status, .. } | Self::Framework { status } => *status,
        }
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
            FlushError::Unsafe { what, name, .. } => Self::Parse {
                parameter: what,
                got: name.chars().take(300).collect(),
                takes: "1 to 255 bytes without quotes, backslash, `;`, `%` or control characters",
            },
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
