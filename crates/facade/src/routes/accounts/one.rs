//! `GET /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`

use actix_web::{HttpRequest, web::Data};
use kapi::{Spelling, write_json};

use crate::{
    error::ApiError,
    extract::{AccountPath, AuthorizedUser, Read, UserPath, check_json},
    response::{
        Answer, Extras,
        schemas::{OneAnswer, Refused},
        success,
    },
    state::Facade,
};

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations/{username}", tag = "account",
    params(AccountPath, UserPath),
    responses(
        (status = 200, description = "The registration", body = OneAnswer),
        Refused
    )
)]
pub(crate) async fn one(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: AuthorizedUser<Read>,
) -> Answer {
    check_json(&req)?;
    let AuthorizedUser {
        scope, username, ..
    } = caller;
    let named = facade.registrar.list_named(&scope, &username);
    // Of several realms of the account, the newest is where the phone is.
    let newest = named.iter().max_by_key(|entry| entry.last_registration());
    let entry = newest.ok_or(ApiError::BadIdentifier {
        what: "username",
        identifier: username,
    })?;
    let mut data = Vec::with_capacity(1024);
    write_json(&entry.view(), Spelling::Http, &mut data);
    success(&req, &facade, &data, &Extras::default())
}
