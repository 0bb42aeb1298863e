//! Lists and counts of a realm, or of all.

use std::{cmp::Ordering, convert::Infallible, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web, web::Data};
use futures_util::stream;
use kapi::{Spelling, write_json};
use registrar::Held;
use registration::{UnixMillis, View};
use serde::Serialize;

use super::{LINES, Operator, json, name, realm};
use crate::{
    Facade, caller::ToRead, error::ApiError, listing::pieces, order::by_name, query::Params,
};

/// How many registrations the list has, so that whoever reads it knows how far it is.
const X_TOTAL_COUNT: &str = "X-Total-Count";

#[derive(Serialize)]
struct Count {
    count: usize,
}

/// `GET /admin/registrations?realm=R&username=U`: a registration a line, by realm, then username
pub(super) async fn list(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Operator<ToRead>,
) -> Result<HttpResponse, ApiError> {
    let found = find(&req, &facade).await?;
    let now = facade.clock.now();
    let mut response = HttpResponse::Ok();
    response
        .content_type(LINES)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((X_TOTAL_COUNT, found.len()));
    let write = move |_, held: &Held, out: &mut Vec<u8>| {
        write_line(&held.view(), now, out);
    };
    let pieces = pieces(Vec::new(), found, write, Vec::new());
    Ok(response.streaming(stream::iter(pieces.map(Ok::<_, Infallible>))))
}

/// `GET /admin/registrations/count?realm=R`
pub(super) async fn count(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Operator<ToRead>,
) -> Result<HttpResponse, ApiError> {
    let count = facade
        .registrar
        .count_of(realm(&Params::of(&req))?.as_deref());
    Ok(json(&Count { count }))
}

async fn find(req: &HttpRequest, facade: &Data<Facade>) -> Result<Vec<Held>, ApiError> {
    let params = Params::of(req);
    let (realm, username) = (realm(&params)?, name(&params, "username")?);
    let registrar = Arc::clone(&facade.registrar);
    // A large table takes a while to go through and to bring in order.
    let found = web::block(move || {
        let mut found = registrar.of(realm.as_deref(), username.as_deref());
        found.sort_by(by_realm);
        found
    });
    found
        .await
        .map_err(|_| ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn by_realm(one: &Held, other: &Held) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    let realms = (
        one.realm().bytes().map(lower),
        other.realm().bytes().map(lower),
    );
    realms.0.cmp(realms.1).then_with(|| by_name(one, other))
}

/// The registration as the API shows it, with how many seconds it has left and its zone.
pub(super) fn write_line(registration: &View<'_>, now: UnixMillis, out: &mut Vec<u8>) {
    write_json(registration, Spelling::Http, out);
    // Never empty, so that there is something before the comma.
    out.pop();
    let left = registration.expires_at().0.saturating_sub(now.0) / 1000;
    let zone = serde_json::json!(registration.zone.as_str());
    out.extend_from_slice(format!(",\"remaining\":{left},\"zone\":{zone}}}\n").as_bytes());
}
