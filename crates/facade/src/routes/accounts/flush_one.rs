//! `DELETE /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`

use std::sync::Arc;

use actix_web::{HttpRequest, web::Data};

use crate::{
    extract::{AccountPath, AuthorizedUser, Flag, Params, UserPath, Write},
    response::{
        Answer,
        schemas::{OkAnswer, Refused},
    },
    routes::flushing::{flushed_answer, run_to_end},
    state::Facade,
};

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/registrations/{username}", tag = "account",
    params(AccountPath, UserPath, ("force" = Option<Flag>, Query, description = "Also one that the cache does not know")),
    responses(
        (status = 200, description = "Flushed", body = OkAnswer),
        Refused
    )
)]
pub(crate) async fn flush_one(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: AuthorizedUser<Write>,
) -> Answer {
    let AuthorizedUser {
        scope, username, ..
    } = caller;
    let force = Params::of(&req).flag("force")?;
    let (registrar, name, account) = (
        Arc::clone(&facade.registrar),
        username.clone(),
        scope.account,
    );
    let order = async move {
        registrar
            .flusher()
            .flush_username(&scope, &name, force)
            .await
    };
    let flushed = run_to_end(order).await?;
    tracing::info!(%account, username, forgotten = flushed.forgotten, "username flushed");
    flushed_answer(&req, &facade, &flushed)
}
