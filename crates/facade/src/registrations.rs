//! The registrations of an account: list, count, flush all, flush one.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use kapi::{Spelling, write_json};
use registrar::{FlushError, Flushed};
use registration::Zone;
use tracing::Instrument as _;

use crate::{
    Facade,
    accept::takes_json,
    caller::{Authorized, ToRead, ToWrite, last_segment},
    envelope::{self, Extras, success},
    error::ApiError,
    listing,
    openapi::{
        CountAnswer, FlushRefused, ListAnswer, ListParams, OkAnswer, OneAnswer, ReadRefused,
    },
    query::{Flag, Params},
    revision::Revision,
};

type Answer = Result<HttpResponse, ApiError>;

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$"), ListParams),
    responses(
        (status = 200, description = "The registrations, by username, then realm", content((ListAnswer = "application/json"), (String = "text/csv"))),
        ReadRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn list(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToRead>,
) -> Answer {
    listing::answer(&req, &facade, Some(&caller.scope))
}

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations/{username}", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$"), ("username" = String, Path, description = "SIP username, in any case, up to 255 bytes; without quotes, backslash, `;`, `%` and control characters. Letters beyond ASCII are taken too",
            min_length = 1, max_length = 255, pattern = r"^[a-zA-Z0-9!#$&()*+,:<=>@\[\]^_{|}~-]+$")),
    responses(
        (status = 200, description = "The registration", body = OneAnswer),
        ReadRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn one(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToRead>,
) -> Answer {
    takes_json(&req)?;
    let username = caller.username.unwrap_or_default();
    let named = facade.registrar.list_named(&caller.scope, &username);
    // In several realms of the account: the newest is where the phone is.
    let newest = named.iter().max_by_key(|held| held.last_registration());
    let Some(held) = newest else {
        return Err(ApiError::BadIdentifier {
            what: "username",
            identifier: username,
        });
    };
    let mut data = Vec::new();
    write_json(&held.view(), Spelling::Http, &mut data);
    success(&req, &facade, &data, &Extras::default())
}

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations/count`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/registrations/count", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$")),
    responses(
        (status = 200, description = "How many", body = CountAnswer),
        ReadRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn count(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToRead>,
) -> Answer {
    takes_json(&req)?;
    let count = facade.registrar.count(&caller.scope);
    counted(&req, &facade, count)
}

/// Answers with a count.
pub(crate) fn counted(req: &HttpRequest, facade: &Facade, count: usize) -> Answer {
    let data = format!("{{\"count\":{count}}}");
    envelope::answer(
        req,
        facade,
        (data.as_bytes(), &Revision::of_count(count)),
        &Extras::default(),
    )
}

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations`
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/registrations", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$")),
    responses(
        (status = 200, description = "Flushed", body = OkAnswer),
        FlushRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn flush_all(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToWrite>,
) -> Answer {
    let (registrar, scope) = (Arc::clone(&facade.registrar), caller.scope.clone());
    let flushed = to_the_end(async move { registrar.flush_account(&scope).await }).await?;
    tracing::info!(account = %caller.scope.account, forgotten = flushed.forgotten, "account flushed");
    flushed_ok(&req, &facade, &flushed)
}

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/registrations/{username}", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$"), ("username" = String, Path, description = "SIP username, in any case, up to 255 bytes; without quotes, backslash, `;`, `%` and control characters. Letters beyond ASCII are taken too",
            min_length = 1, max_length = 255, pattern = r"^[a-zA-Z0-9!#$&()*+,:<=>@\[\]^_{|}~-]+$"), ("force" = Option<Flag>, Query, description = "Also one that the cache does not know")),
    responses(
        (status = 200, description = "Flushed", body = OkAnswer),
        FlushRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn flush_one(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToWrite>,
) -> Answer {
    // `count` and `events` are paths of their own on GET, and usernames like any other here.
    let username = match &caller.username {
        Some(username) => username,
        None => last_segment(&req),
    };
    let force = Params::of(&req).flag("force")?;
    let (registrar, scope) = (Arc::clone(&facade.registrar), caller.scope.clone());
    let name = username.to_owned();
    let order = async move { registrar.flush_username(&scope, &name, force).await };
    let flushed = to_the_end(order).await?;
    tracing::info!(account = %caller.scope.account, username, forgotten = flushed.forgotten, "username flushed");
    flushed_ok(&req, &facade, &flushed)
}

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations/count`: a username like any other
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/registrations/count", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$"), ("force" = Option<Flag>, Query, description = "Also if the cache does not know it")),
    responses((status = 200, description = "Flushed", body = OkAnswer), FlushRefused),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn flush_count(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToWrite>,
) -> Answer {
    flush_one(req, facade, caller).await
}

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations/events`: a username like any other
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/registrations/events", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$"), ("force" = Option<Flag>, Query, description = "Also if the cache does not know it")),
    responses((status = 200, description = "Flushed", body = OkAnswer), FlushRefused),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn flush_events(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToWrite>,
) -> Answer {
    flush_one(req, facade, caller).await
}

/// Carries an order out, whether or not the caller waits for it: what the proxies were told the
/// table has to follow.
pub(crate) async fn to_the_end<O>(order: O) -> Result<Flushed, ApiError>
where
    O: Future<Output = Result<Flushed, FlushError>> + Send + 'static,
{
    match tokio::spawn(order.in_current_span()).await {
        Ok(done) => Ok(done?),
        Err(error) => {
            tracing::error!(%error, "a flush ended before its time");
            Err(ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

fn flushed_ok(req: &HttpRequest, facade: &Facade, flushed: &Flushed) -> Answer {
    let zones: Vec<_> = flushed
        .missing
        .iter()
        .map(|(zone, _)| Zone::as_str(zone))
        .collect();
    for (zone, reason) in &flushed.missing {
        tracing::warn!(%zone, reason, "a zone did not take the flush");
    }
    let warning = (!zones.is_empty()).then(|| {
        format!(
            "these zones did not take the flush, their phones stay registered: {}",
            zones.join(", ")
        )
    });
    let note = (flushed.repeated > 0).then(|| {
        format!(
            "{} of these registrations are so young that a proxy may not find them yet: they are \
             flushed again within the next 7 seconds",
            flushed.repeated
        )
    });
    success(
        req,
        facade,
        b"\"ok\"",
        &Extras {
            note,
            warning,
            ..Extras::default()
        },
    )
}
