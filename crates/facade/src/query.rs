//! The query string, read once and leniently: unknown parameters are other people's business.

use actix_web::{HttpRequest, web::Query};

use crate::error::ApiError;

/// Parameters of a request, in order.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the request's query string; what cannot be read counts as not there.
    pub(crate) fn of(req: &HttpRequest) -> Self {
        Self(
            Query::from_query(req.query_string())
                .map(Query::into_inner)
                .unwrap_or_default(),
        )
    }

    /// Every parameter with its value, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that is true or false; false if not there.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("false" | "no" | "0") => Ok(false),
            Some("" | "true" | "yes" | "1") => Ok(true),
            Some(other) => Err(ApiError::Parse {
                parameter: name,
                got: other.chars().take(100).collect(),
                takes: "true or false",
            }),
        }
    }
}
