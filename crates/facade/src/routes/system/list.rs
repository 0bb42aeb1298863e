//! `GET /v2/registrations`

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::Administrator,
    list,
    response::{
        Answer,
        schemas::{ListAnswer, ListParams, SystemRefused},
    },
    state::Facade,
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
pub(crate) async fn list(req: HttpRequest, facade: Data<Facade>, _: Administrator) -> Answer {
    list::answer(&req, &facade, None)
}
