//! `GET /v2/registrations/summary`

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{Administrator, check_json},
    response::{
        Answer, Extras,
        schemas::{SummaryAnswer, SystemRefused},
        success,
    },
    state::Facade,
};

/// `GET /v2/registrations/summary`
#[utoipa::path(
    get, path = "/v2/registrations/summary", tag = "system",
    responses(
        (status = 200, description = "How many by kind of phone, zone and account, and the last hour", body = SummaryAnswer),
        SystemRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn summary(req: HttpRequest, facade: Data<Facade>, _: Administrator) -> Answer {
    check_json(&req)?;
    let totals = facade.summary.totals(&facade.registrar);
    let data = serde_json::to_vec(&totals).unwrap_or_default();
    success(&req, &facade, &data, &Extras::default())
}
