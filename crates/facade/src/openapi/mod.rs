//! The API's description (`OpenAPI` 3.1), generated from the handlers, and a page to read it.

mod schemas;

use actix_web::{HttpResponse, http::header, web::Data};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

pub(crate) use schemas::{
    CountAnswer, DevicesAnswer, FlushRefused, ListAnswer, OkAnswer, OneAnswer, ReadRefused,
    SummaryAnswer, SystemRefused,
};

use crate::{Facade, devices, events, health, query::Flag, registrations, summary, system};

/// Parameters of every list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described; Params reads what there is")]
pub(crate) struct ListParams {
    /// At most this many; more are told by `next_start_key`
    #[param(minimum = 1, maximum = 10000)]
    page_size: Option<u32>,
    /// Where the page begins: a `next_start_key` of an answer
    #[param(pattern = "^([0-9a-f]{2})+$")]
    start_key: Option<String>,
    /// `false`: all at once, whatever `page_size`
    paginate: Option<Flag>,
    /// Only those whose username is this; likewise `filter_KEY` for each field of a registration,
    /// and `filter_not_KEY`
    filter_username: Option<String>,
    /// Only those that have this field
    has_key: Option<String>,
    /// Only those that lack this field
    key_missing: Option<String>,
    /// Only those that have this field, and not empty
    has_value: Option<String>,
    /// Only those that lack this field, or have it empty
    missing_value: Option<String>,
    /// Each with its `zone`, where it was heard
    with_zone: Option<Flag>,
    /// Indented
    pretty: Option<Flag>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "rollcall",
        description = "Crossbar's Registrations API, answered from rollcall's cache. Every answer has Crossbar's \
                       envelope; errors have `message`, a short name, and `data`, what was wrong and what to do.",
        license(name = "MPL-2.0", identifier = "MPL-2.0")
    ),
    paths(
        registrations::list, registrations::count, registrations::one, registrations::flush_all,
        registrations::flush_one, registrations::flush_count, registrations::flush_events, events::events, devices::status, system::list, system::count, summary::summary,
        health::alive, health::ready,
    ),
    components(schemas(schemas::Failure, Flag)),
    modifiers(&Tokens),
    tags(
        (name = "account", description = "An account's registrations"),
        (name = "system", description = "All accounts, for those who may see all of them"),
        (name = "health", description = "For load balancers and operators"),
    )
)]
struct Api;

/// The places where a token may stand.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Auth-Token")));
        let query = SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::new("auth_token")));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("header", header);
        components.add_security_scheme("query", query);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The description as JSON.
pub fn description() -> String {
    // Made of what serialises.
    Api::openapi().to_pretty_json().unwrap_or_default()
}

/// `GET /openapi.json`
pub(crate) async fn json(facade: Data<Facade>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(facade.description.clone())
}

/// Nothing from elsewhere, and no script but our own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn asset(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}

/// `GET /docs`
pub(crate) async fn page() -> HttpResponse {
    asset("text/html; charset=utf-8", include_str!("page.html"))
}

/// `GET /docs/page.js`
pub(crate) async fn script() -> HttpResponse {
    asset("text/javascript; charset=utf-8", include_str!("page.js"))
}

/// `GET /docs/page.css`
pub(crate) async fn style() -> HttpResponse {
    asset("text/css; charset=utf-8", include_str!("page.css"))
}

#[cfg(test)]
mod tests;
