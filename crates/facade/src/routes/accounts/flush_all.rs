//! `DELETE /v2/accounts/{ACCOUNT_ID}/registrations`

use std::sync::Arc;

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{AccountPath, Authorized, Write},
    response::{
        Answer,
        schemas::{OkAnswer, Refused},
    },
    routes::flushing::{flushed_answer, run_to_end},
    state::Facade,
};

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations`
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/registrations", tag = "account",
    params(AccountPath),
    responses(
        (status = 200, description = "Flushed", body = OkAnswer),
        Refused
    )
)]
pub(crate) async fn flush_all(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<Write>,
) -> Answer {
    let (registrar, scope) = (Arc::clone(&facade.registrar), caller.scope.clone());
    let flushed =
        run_to_end(async move { registrar.flusher().flush_account(&scope).await }).await?;
    tracing::info!(account = %caller.scope.account, forgotten = flushed.forgotten, "account flushed");
    flushed_answer(&req, &facade, &flushed)
}
