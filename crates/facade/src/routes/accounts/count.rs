//! `GET /v2/accounts/{ACCOUNT_ID}/registrations/count`

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{AccountPath, Authorized, Read, check_json},
    response::{
        Answer, counted,
        schemas::{CountAnswer, Refused},
    },
    state::Facade,
};

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations/count`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations/count", tag = "account",
    params(AccountPath),
    responses(
        (status = 200, description = "How many", body = CountAnswer),
        Refused
    )
)]
pub(crate) async fn count(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<Read>,
) -> Answer {
    check_json(&req)?;
    counted(&req, &facade, facade.registrar.count(&caller.scope))
}
