//! The API's description (`OpenAPI` 3.1), generated from the handlers, and a page to read it.

use actix_web::{
    HttpResponse,
    http::header,
    web::{Data, ServiceConfig, get},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{
    extract::Flag,
    paths::{READ, resource},
    response::schemas,
    routes::documented::{
        count, devices, events, flush_all, flush_one, health, list, one, summary, system_count,
        system_list,
    },
    state::Facade,
};

/// The routes of the description.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/openapi.json", READ).route(get().to(json)))
        .service(resource("/docs", READ).route(get().to(page)))
        .service(resource("/docs/page.js", READ).route(get().to(script)))
        .service(resource("/docs/page.css", READ).route(get().to(style)));
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
        list::list, count::count, one::one, flush_all::flush_all, flush_one::flush_one,
        flush_one::flush_count, flush_one::flush_events, events::events, devices::status,
        system_list::list, system_count::count, summary::summary, health::alive, health::ready,
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
async fn json(facade: Data<Facade>) -> HttpResponse {
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
async fn page() -> HttpResponse {
    asset("text/html; charset=utf-8", include_str!("page.html"))
}

/// `GET /docs/page.js`
async fn script() -> HttpResponse {
    asset("text/javascript; charset=utf-8", include_str!("page.js"))
}

/// `GET /docs/page.css`
async fn style() -> HttpResponse {
    asset("text/css; charset=utf-8", include_str!("page.css"))
}

#[cfg(test)]
#[path = "description_tests.rs"]
mod tests;
