//! The registrations of all accounts, for those who may see all of them.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use crate::{
    Facade,
    accept::takes_json,
    caller::Administrator,
    error::ApiError,
    listing,
    openapi::{CountAnswer, ListAnswer, ListParams, SystemRefused},
    registrations::counted,
};

/// `GET /v2/registrations`
#[utoipa::path(
    get, path = "/v2/registrations", tag = "system",
    params(ListParams),
    responses(
        (status = 200, description = "The registrations of all accounts", content((ListAnswer = "application/json"), (String = "text/csv"))),
        SystemRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn list(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Administrator,
) -> Result<HttpResponse, ApiError> {
    listing::answer(&req, &facade, None)
}

/// `GET /v2/registrations/count`
#[utoipa::path(
    get, path = "/v2/registrations/count", tag = "system",
    responses(
        (status = 200, description = "How many", body = CountAnswer),
        SystemRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn count(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Administrator,
) -> Result<HttpResponse, ApiError> {
    takes_json(&req)?;
    let count = facade.registrar.total();
    counted(&req, &facade, count)
}
