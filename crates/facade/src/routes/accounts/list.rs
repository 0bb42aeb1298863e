//! `GET /v2/accounts/{ACCOUNT_ID}/registrations`

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{AccountPath, Authorized, Read},
    list,
    response::{
        Answer,
        schemas::{ListAnswer, ListParams, Refused},
    },
    state::Facade,
};

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations", tag = "account",
    params(AccountPath, ListParams),
    responses(
        (status = 200, description = "The registrations, by username, then realm", content((ListAnswer = "application/json"), (String = "text/csv"))),
        Refused
    )
)]
pub(crate) async fn list(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<Read>,
) -> Answer {
    list::answer(&req, &facade, Some(&caller.scope))
}
