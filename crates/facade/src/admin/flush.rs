//! Flushes by realm, and asking proxies and other registrars anew.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web::Data};
use registrar::SyncError;
use serde::Serialize;

use super::{Operator, json, name, realm};
use crate::{Facade, caller::ToWrite, error::ApiError, query::Params, registrations::to_the_end};

#[derive(Serialize)]
struct Done {
    flushed: usize,
    /// Flushed again in a moment, since the proxies may not find them yet.
    repeated: usize,
    /// Zones that did not take it, and why.
    missing: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Synced {
    /// Other registrars that answered, by zone.
    peers: BTreeMap<String, usize>,
    from_peers: u64,
    replayed: u64,
    new: u64,
    registrations: usize,
}

/// `DELETE /admin/registrations?realm=R&username=U&force=true`
pub(super) async fn flush(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Operator<ToWrite>,
) -> Result<HttpResponse, ApiError> {
    let params = Params::of(&req);
    let (username, force) = (name(&params, "username")?, params.flag("force")?);
    let realm = realm(&params)?.ok_or(ApiError::Parse {
        parameter: "realm",
        got: String::new(),
        takes: "the realm to flush: there is no flush of all realms at once",
    })?;
    tracing::info!(realm, username, "an operator orders a flush");
    let registrar = Arc::clone(&facade.registrar);
    let order = async move {
        match username {
            Some(username) => registrar.flush_in_realm(&realm, &username, force).await,
            None => registrar.flush_realm(&realm).await,
        }
    };
    let flushed = to_the_end(order).await?;
    let missing = flushed.missing.into_iter();
    Ok(json(&Done {
        flushed: flushed.forgotten,
        repeated: flushed.repeated,
        missing: missing
            .map(|(zone, reason)| (zone.as_str().to_owned(), reason))
            .collect(),
    }))
}

/// `POST /admin/sync`: answers when those who were asked have answered
pub(super) async fn sync(
    facade: Data<Facade>,
    _: Operator<ToWrite>,
) -> Result<HttpResponse, ApiError> {
    tracing::info!("an operator has proxies and other registrars asked anew");
    let synced = facade.registrar.ask_anew().await;
    let synced = synced.map_err(|error| match error {
        SyncError::Running => ApiError::Busy,
        SyncError::NoZone => ApiError::NoBroker,
    })?;
    let peers = synced.zones.iter();
    Ok(json(&Synced {
        peers: peers
            .map(|(zone, peers)| (zone.as_str().to_owned(), *peers))
            .collect(),
        from_peers: synced.from_peers,
        replayed: synced.replayed,
        new: synced.new,
        registrations: facade.registrar.total(),
    }))
}
