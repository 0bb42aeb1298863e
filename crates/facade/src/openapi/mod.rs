//! The API's description (`OpenAPI` 3.1), generated from the handlers.

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, get},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document, RefOr,
        path::Parameter,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
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
        events::events, devices::status, system_list::list, system_count::count,
        summary::summary, health::alive, health::ready,
    ),
    components(schemas(schemas::Failure, Flag)),
    modifiers(&Tokens, &Usernames),
    security(("header" = []), ("query" = []), ("bearer" = [])),
    tags(
        (name = "account", description = "An account's registrations"),
        (name = "system", description = "All accounts, for those who may see all of them"),
        (name = "health", description = "For load balancers and operators"),
    )
)]
struct Api;

/// Describes where a token may stand.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, api: &mut Document) {
        let components = api.components.get_or_insert_default();
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Auth-Token")));
        let query = SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::new("auth_token")));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("header", header);
        components.add_security_scheme("query", query);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Describes that `count` and `events` are usernames like any other for DELETE.
struct Usernames;

impl Modify for Usernames {
    fn modify(&self, api: &mut Document) {
        let member = "/v2/accounts/{account_id}/registrations/{username}";
        let paths = &mut api.paths.paths;
        let delete = paths.get(member).and_then(|member| member.delete.clone());
        for name in ["count", "events"] {
            let mut delete = delete.clone();
            if let Some(operation) = &mut delete {
                operation.operation_id = Some(format!("flush_{name}"));
                if let Some(parameters) = &mut operation.parameters {
                    let is_username = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.name == "username");
                    parameters.retain(|parameter| !is_username(parameter));
                }
            }
            if let Some(path) = paths.get_mut(&member.replace("{username}", name)) {
                path.delete = delete;
            }
        }
    }
}

/// The description as JSON.
pub fn description() -> String {
    Api::openapi().to_pretty_json().unwrap_or_default()
}

/// The route of the description.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config.service(resource("/openapi.json", READ).route(get().to(json)));
}

/// `GET /openapi.json`
async fn json(facade: Data<Facade>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(facade.description.clone())
}

#[cfg(test)]
#[path = "description_tests.rs"]
mod tests;
