//! Which of an account's devices are registered: Monster UI's green dots.

use std::{borrow::Cow, collections::BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web::Data};
use serde::Serialize;

use crate::{
    Facade,
    accept::takes_json,
    caller::{Authorized, ToReadDevices},
    envelope::{Extras, success},
    error::ApiError,
    openapi::{DevicesAnswer, ReadRefused},
};

#[derive(Serialize)]
struct Device<'a> {
    device_id: &'a str,
    registered: bool,
}

/// `GET /v2/accounts/{ACCOUNT_ID}/devices/status`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/devices/status", tag = "account",
    params(("account_id" = String, Path, description = "Account id, 32 hex digits", min_length = 32, max_length = 32, pattern = "^[0-9a-f]{32}$")),
    responses(
        (status = 200, description = "Devices that are registered", body = DevicesAnswer),
        ReadRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn status(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ToReadDevices>,
) -> Result<HttpResponse, ApiError> {
    takes_json(&req)?;
    let registrations = facade.registrar.list(&caller.scope);
    let ids: BTreeSet<Cow<'_, str>> = registrations
        .iter()
        .filter_map(|held| held.view().account.authorizing_id)
        .collect();
    let devices: Vec<_> = ids
        .iter()
        .map(|device_id| Device {
            device_id,
            registered: true,
        })
        .collect();
    let data = serde_json::to_vec(&devices).unwrap_or_default();
    let extras = Extras {
        page_size: Some(devices.len()),
        ..Extras::default()
    };
    success(&req, &facade, &data, &extras)
}
