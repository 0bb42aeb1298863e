//! `GET /admin/registrations/count?realm=R`

use actix_web::{HttpRequest, web::Data};
use serde::Serialize;

use crate::{
    extract::{Operator, Params, Read, realm_of},
    response::{Answer, unenveloped},
    state::Facade,
};

#[derive(Serialize)]
struct Count {
    count: usize,
}

/// Counts the registrations of a realm, or all.
pub(super) async fn count(req: HttpRequest, facade: Data<Facade>, _: Operator<Read>) -> Answer {
    let realm = realm_of(&Params::of(&req))?;
    let count = facade.registrar.cache().count_in(realm.as_deref());
    Ok(unenveloped(&Count { count }))
}
