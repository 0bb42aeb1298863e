//! The registrations of an account: list, count, flush all, flush one.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use kapi::{Spelling, write_json};
use registrar::Flushed;
use registration::Zone;

use crate::{
    Facade,
    caller::{Authorized, ToRead, ToWrite},
    envelope::{Extras, success},
    error::ApiError,
    query::Params,
};

type Answer = Result<HttpResponse, ApiError>;

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations`
pub(crate) async fn list(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToRead>,
) -> Answer {
    let registrations = facade.registrar.list(&caller.scope);
    let mut data = Vec::with_capacity(2 + registrations.len() * 1200);
    data.push(b'[');
    for (at, registration) in registrations.iter().enumerate() {
        if at > 0 {
            data.push(b',');
        }
        write_json(registration, Spelling::Http, &mut data);
    }
    data.push(b']');
    success(
        &req,
        &facade,
        data,
        Extras {
            page_size: Some(registrations.len()),
            ..Extras::default()
        },
    )
}

/// `GET /v2/accounts/{ACCOUNT_ID}/registrations/count`
pub(crate) async fn count(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToRead>,
) -> Answer {
    let count = facade.registrar.count(&caller.scope);
    success(
        &req,
        &facade,
        format!("{{\"count\":{count}}}").into_bytes(),
        Extras::default(),
    )
}

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations`
pub(crate) async fn flush_all(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToWrite>,
) -> Answer {
    let flushed = facade.registrar.flush_account(&caller.scope).await?;
    tracing::info!(account = %caller.scope.account, forgotten = flushed.forgotten, "account flushed");
    flushed_ok(&req, &facade, &flushed)
}

/// `DELETE /v2/accounts/{ACCOUNT_ID}/registrations/{USERNAME}`
pub(crate) async fn flush_one(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToWrite>,
) -> Answer {
    // `count` is a path of its own on GET, and a username like any other here.
    let username = caller.username.as_deref().unwrap_or("count");
    let force = Params::of(&req).flag("force")?;
    let flushed = facade
        .registrar
        .flush_username(&caller.scope, username, force)
        .await?;
    tracing::info!(account = %caller.scope.account, username, forgotten = flushed.forgotten, "username flushed");
    flushed_ok(&req, &facade, &flushed)
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
        b"\"ok\"".to_vec(),
        Extras {
            note,
            warning,
            ..Extras::default()
        },
    )
}
