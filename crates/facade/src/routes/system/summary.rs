//! `GET /v2/registrations/summary`

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{Operator, Read, check_json},
    response::{
        Answer, Extras,
        schemas::{Refused, SummaryAnswer},
        success,
    },
    state::Facade,
};

/// `GET /v2/registrations/summary`
#[utoipa::path(
    get, path = "/v2/registrations/summary", tag = "system",
    responses(
        (status = 200, description = "How many by kind of phone, zone and account, and the last hour", body = SummaryAnswer),
        Refused
    )
)]
pub(crate) async fn summary(req: HttpRequest, facade: Data<Facade>, _: Operator<Read>) -> Answer {
    check_json(&req)?;
    let totals = facade.summary.totals(&facade.registrar);
    let data = serde_json::to_vec(&totals).unwrap_or_default();
    success(&req, &facade, &data, &Extras::default())
}
