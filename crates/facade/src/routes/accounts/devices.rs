//! `GET /v2/accounts/{ACCOUNT_ID}/devices/status`: Monster UI's green dots.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, web::Data};
use serde::Serialize;

use crate::{
    extract::{AccountPath, Authorized, ReadDevices, check_json},
    response::{
        Answer, Extras,
        schemas::{DevicesAnswer, Refused},
        success,
    },
    state::Facade,
};

#[derive(Serialize)]
struct Device<'a> {
    device_id: &'a str,
    registered: bool,
}

/// `GET /v2/accounts/{ACCOUNT_ID}/devices/status`
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/devices/status", tag = "account",
    params(AccountPath),
    responses(
        (status = 200, description = "Devices that are registered", body = DevicesAnswer),
        Refused
    )
)]
pub(crate) async fn status(
    req: HttpRequest,
    facade: Data<Facade>,
    caller: Authorized<ReadDevices>,
) -> Answer {
    check_json(&req)?;
    let registrations = facade.registrar.list(&caller.scope);
    let ids: BTreeSet<&str> = registrations
        .iter()
        .filter_map(|entry| entry.view().account.authorizing_id)
        .collect();
    let device = |device_id| Device {
        device_id,
        registered: true,
    };
    let devices: Vec<_> = ids.into_iter().map(device).collect();
    let data = serde_json::to_vec(&devices).unwrap_or_default();
    let extras = Extras {
        page_size: Some(devices.len()),
        ..Extras::default()
    };
    success(&req, &facade, &data, &extras)
}
