//! `GET /v2/registrations`

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{Operator, Read},
    list,
    response::{
        Answer,
        schemas::{ListAnswer, ListParams, Refused},
    },
    state::Facade,
};

/// `GET /v2/registrations`
#[utoipa::path(
    get, path = "/v2/registrations", tag = "system",
    params(ListParams),
    responses(
        (status = 200, description = "The registrations of all accounts", content((ListAnswer = "application/json"), (String = "text/csv"))),
        Refused
    )
)]
pub(crate) async fn list(req: HttpRequest, facade: Data<Facade>, _: Operator<Read>) -> Answer {
    list::answer(&req, &facade, None)
}
