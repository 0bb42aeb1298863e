//! `GET /admin/registrations?realm=R&username=U`

use std::{cmp::Ordering, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Data},
};
use registrar::EntryRef;

use super::line::{LINES, write_line};
use crate::{
    error::ApiError,
    extract::{Operator, Params, Read, realm_of, safe_name},
    list::{Pieces, by_name, send},
    response::Answer,
    state::Facade,
};

/// The header with the list's length, for a progress bar.
const X_TOTAL_COUNT: &str = "X-Total-Count";

/// Lists a registration a line, by realm, then username.
pub(super) async fn list(req: HttpRequest, facade: Data<Facade>, _: Operator<Read>) -> Answer {
    let found = find(&req, &facade).await?;
    let now = facade.clock.now();
    let mut response = HttpResponse::Ok();
    response
        .content_type(LINES)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((X_TOTAL_COUNT, found.len()));
    let write = move |_, entry: &EntryRef, out: &mut Vec<u8>| write_line(&entry.view(), now, out);
    Ok(send(
        &mut response,
        Pieces::new(Vec::new(), found, write, ""),
    ))
}

async fn find(req: &HttpRequest, facade: &Facade) -> Result<Vec<EntryRef>, ApiError> {
    let params = Params::of(req);
    let (realm, username) = (realm_of(&params)?, safe_name(&params, "username")?);
    let registrar = Arc::clone(&facade.registrar);
    // A large cache takes a while to list and to sort.
    let found = web::block(move || {
        let mut found = registrar
            .cache()
            .find_in(realm.as_deref(), username.as_deref());
        found.sort_by(by_realm);
        found
    });
    found
        .await
        .map_err(|_| ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn by_realm(one: &EntryRef, other: &EntryRef) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    let realms = (
        one.realm().bytes().map(lower),
        other.realm().bytes().map(lower),
    );
    realms.0.cmp(realms.1).then_with(|| by_name(one, other))
}
