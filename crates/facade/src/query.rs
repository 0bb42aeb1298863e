//! The query string, read once and leniently: unknown parameters are other people's business.

use actix_web::{HttpRequest, dev::RequestHead, web::Query};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::error::ApiError;

/// How a parameter that is true or false is written, as the API's description tells it.
pub(crate) struct Flag;

impl Flag {
    /// A name alone means yes: `?force`.
    const YES: [&str; 4] = ["true", "yes", "1", ""];
    const NO: [&str; 3] = ["false", "no", "0"];
}

impl PartialSchema for Flag {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::YES.into_iter().chain(Self::NO)))
            .description(Some("Yes or no; a name without a value is a yes"))
            .into()
    }
}

impl ToSchema for Flag {}

/// Parameters of a request, in order.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the request's query string; what cannot be read counts as not there.
    pub(crate) fn of(req: &HttpRequest) -> Self {
        Self::of_head(req.head())
    }

    /// The same of a request's head.
    pub(crate) fn of_head(head: &RequestHead) -> Self {
        let query = head.uri.query().map(Query::from_query);
        let read = query.and_then(Result::ok).map(Query::into_inner);
        Self(read.unwrap_or_default())
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
            None => Ok(false),
            Some(word) if Flag::NO.contains(&word) => Ok(false),
            Some(word) if Flag::YES.contains(&word) => Ok(true),
            Some(other) => Err(ApiError::Parse {
                parameter: name,
                got: other.chars().take(100).collect(),
                takes: "true or false",
            }),
        }
    }
}
