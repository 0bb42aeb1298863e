//! Parameters of the path and of the query string.

use actix_web::{HttpRequest, dev::RequestHead, web::Query};
use serde::Deserialize;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::error::ApiError;

/// The account in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AccountPath {
    /// Account id, 32 hex digits
    #[param(min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$")]
    pub(crate) account_id: String,
}

/// The username in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct UserPath {
    /// SIP username, in any case, up to 255 bytes; without quotes, backslash, `;`, `%` and control characters. Letters beyond ASCII are taken too
    #[param(
        min_length = 1,
        max_length = 255,
        pattern = r"^[a-zA-Z0-9!#$&()*+,:<=>@\[\]^_{|}~-]+$"
    )]
    pub(crate) username: String,
}

/// How a parameter that is true or false is written, as the API's description has it.
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

/// Parameters of a query string, in order. Unknown ones are ignored.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the request's query string; one that cannot be read counts as empty.
    pub(crate) fn of(req: &HttpRequest) -> Self {
        Self::of_head(req.head())
    }

    /// Like [`Params::of`], of a request's head.
    pub(crate) fn of_head(head: &RequestHead) -> Self {
        let query = head.uri.query().map(Query::from_query);
        let read = query.and_then(Result::ok).map(Query::into_inner);
        Self(read.unwrap_or_default())
    }

    /// Every parameter with its value, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.all();
        all.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// A parameter that is true or false; false if not there.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(word) if Flag::NO.contains(&word) => Ok(false),
            Some(word) if Flag::YES.contains(&word) => Ok(true),
            Some(other) => Err(ApiError::bad_parameter(name, other, "true or false")),
        }
    }
}

/// The realm of the query, lower-cased; one that could not be sent to a proxy is refused.
pub(crate) fn realm_of(params: &Params) -> Result<Option<String>, ApiError> {
    let realm = safe_name(params, "realm")?;
    Ok(realm.map(|realm| realm.to_ascii_lowercase()))
}

/// A name in the query that could be sent to a proxy.
pub(crate) fn safe_name(
    params: &Params,
    parameter: &'static str,
) -> Result<Option<String>, ApiError> {
    let Some(got) = params.get(parameter) else {
        return Ok(None);
    };
    registration::check_flushable(got).map_err(|_| ApiError::unsafe_name(parameter, got))?;
    Ok(Some(got.to_owned()))
}
