//! Every way a request can fail, with what the caller is told.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use registrar::FlushError;
use serde_json::{Value, json};

use crate::throttle::Throttled;

/// A failed request. `Display` tells the caller what was wrong and what to do; the boundary writes the
/// envelope.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{parameter} cannot be used: it takes {takes}")]
    Parse {
        parameter: &'static str,
        got: String,
        takes: &'static str,
    },
    #[error("no valid token: send one as X-Auth-Token, auth_token or Authorization: Bearer")]
    InvalidCredentials,
    #[error("this token has no right to do this to this account")]
    Forbidden,
    #[error("unknown {what}")]
    BadIdentifier {
        what: &'static str,
        identifier: String,
    },
    #[error("no such path")]
    FaultyRequest,
    #[error("the Accept header takes no supported type")]
    NotAcceptable,
    #[error("this path does not take this method")]
    InvalidMethod { allow: &'static str },
    #[error("the {what} is larger than is taken")]
    TooLarge {
        what: &'static str,
        status: StatusCode,
    },
    #[error(
        "the flush could not be handed to RabbitMQ{}",
        if *forgotten == 0 { ": nothing was flushed, try again" } else { " for every realm: try again" }
    )]
    BrokerUnreachable {
        /// For the log.
        detail: String,
        forgotten: usize,
        zones: Vec<String>,
    },
    #[error("the token or the account could not be checked: Crossbar does not answer; try again")]
    AuthUnreachable {
        /// For the log.
        detail: String,
    },
    #[error("no zone is connected to RabbitMQ, so nobody was asked: try again")]
    NoBroker,
    #[error("a sync is already running: wait for its end")]
    Busy,
    #[error("this node stops: ask another, or again in a moment")]
    Stopping,
    #[error("the request's body did not come in time")]
    Timeout,
    #[error(transparent)]
    TooManyRequests(#[from] Throttled),
    /// Any other error of actix-web's.
    #[error("{}", status.canonical_reason().unwrap_or("the request failed"))]
    Framework { status: StatusCode },
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

    /// A name that must not be sent to a proxy.
    pub(crate) fn unsafe_name(parameter: &'static str, name: &str) -> Self {
        let takes = "1 to 255 bytes without quotes, backslash, `;`, `%` or control characters";
        Self::bad_parameter(parameter, name, takes)
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

    /// The status, and the code by which clients tell errors apart. A code never changes.
    pub(crate) fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Parse { .. } => (StatusCode::BAD_REQUEST, "parse_error"),
            Self::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_credentials"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::BadIdentifier { .. } => (StatusCode::NOT_FOUND, "bad_identifier"),
            Self::FaultyRequest => (StatusCode::NOT_FOUND, "faulty_request"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not_acceptable"),
            Self::InvalidMethod { .. } => (StatusCode::METHOD_NOT_ALLOWED, "invalid_method"),
            Self::TooLarge { status, .. } => (*status, "too_large"),
            Self::BrokerUnreachable { .. } | Self::NoBroker => {
                (StatusCode::SERVICE_UNAVAILABLE, "broker_unreachable")
            }
            Self::AuthUnreachable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "datastore_unreachable")
            }
            Self::Busy => (StatusCode::CONFLICT, "busy"),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::Framework { status } if status.is_server_error() => (*status, "internal_error"),
            Self::Framework { status } => (*status, "bad_request"),
        }
    }

    /// The data of the answer.
    pub(crate) fn data(&self) -> Value {
        let message = self.to_string();
        match self {
            Self::Parse {
                parameter,
                got,
                takes,
            } => {
                json!({"message": message, "cause": got, *parameter: {"got": got, "takes": takes}})
            }
            Self::BadIdentifier { identifier, .. } => {
                json!({"message": message, "cause": identifier})
            }
            Self::NotAcceptable => {
                let cause = "supported types: application/json; lists also text/csv";
                json!({"message": message, "cause": cause})
            }
            Self::InvalidMethod { allow } => {
                json!({"message": message, "cause": format!("allowed: {allow}")})
            }
            Self::TooManyRequests(Throttled { retry_after }) => {
                json!({"message": message, "cause": format!("try again in {retry_after} seconds")})
            }
            Self::BrokerUnreachable {
                forgotten: 0,
                zones,
                ..
            } => json!({"message": message, "zones": zones}),
            Self::BrokerUnreachable {
                forgotten, zones, ..
            } => {
                let cause = format!("{forgotten} registrations were flushed before");
                json!({"message": message, "cause": cause, "zones": zones})
            }
            _ => json!({"message": message}),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status_and_code().0
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
