//! `DELETE /admin/registrations?realm=R&username=U&force=true`

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, web::Data};
use serde::Serialize;

use crate::{
    error::ApiError,
    extract::{Operator, Params, Write, realm_of, safe_name},
    response::{Answer, unenveloped},
    routes::flushing::run_to_end,
    state::Facade,
};

#[derive(Serialize)]
struct Done {
    flushed: usize,
    /// Flushed again in a moment, since the proxies may not find them yet.
    repeated: usize,
    /// Zones that did not take it, and why.
    missing: BTreeMap<String, String>,
}

/// Flushes a realm, or a username in it.
pub(super) async fn flush(req: HttpRequest, facade: Data<Facade>, _: Operator<Write>) -> Answer {
    let params = Params::of(&req);
    let (username, force) = (safe_name(&params, "username")?, params.flag("force")?);
    let takes = "the realm to flush: there is no flush of all realms at once";
    let realm = realm_of(&params)?.ok_or(ApiError::bad_parameter("realm", "", takes))?;
    tracing::info!(realm, username, "an operator orders a flush");
    let registrar = Arc::clone(&facade.registrar);
    let order = async move {
        match username {
            Some(username) => {
                registrar
                    .flusher()
                    .flush_in_realm(&realm, &username, force)
                    .await
            }
            None => registrar.flusher().flush_realm(&realm).await,
        }
    };
    let flushed = run_to_end(order).await?;
    let missing = flushed.missing.into_iter();
    Ok(unenveloped(&Done {
        flushed: flushed.forgotten,
        repeated: flushed.repeated,
        missing: missing
            .map(|(zone, reason)| (zone.as_str().to_owned(), reason.to_string()))
            .collect(),
    }))
}
