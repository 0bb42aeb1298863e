//! `GET /v2/registrations/count`

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{Operator, Read, check_json},
    response::{
        Answer, counted,
        schemas::{CountAnswer, Refused},
    },
    state::Facade,
};

/// `GET /v2/registrations/count`
#[utoipa::path(
    get, path = "/v2/registrations/count", tag = "system",
    responses(
        (status = 200, description = "How many", body = CountAnswer),
        Refused
    )
)]
pub(crate) async fn count(req: HttpRequest, facade: Data<Facade>, _: Operator<Read>) -> Answer {
    check_json(&req)?;
    counted(&req, &facade, facade.registrar.cache().held())
}
