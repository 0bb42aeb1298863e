//! `GET /admin/status`: the service's status at a glance.

use actix_web::web::Data;
use serde::Serialize;

use crate::{
    extract::{Operator, Read},
    response::{Answer, unenveloped},
    routes::health::{Readiness, readiness},
    state::Facade,
};

#[derive(Serialize)]
struct Status<'a> {
    node: &'a str,
    version: &'static str,
    uptime_seconds: u64,
    registrations: usize,
    max_registrations: usize,
    /// Messages that were applied, and that could not be used, since the start.
    applied: u64,
    dropped: u64,
    readiness: Readiness,
}

/// `GET /admin/status`
pub(super) async fn status(facade: Data<Facade>, _: Operator<Read>) -> Answer {
    let registrar = &facade.registrar;
    let sum = |kinds: &[&str]| {
        let counts = registrar.metrics().counts();
        let counts = counts.filter(|(kind, ..)| kinds.contains(kind));
        counts.map(|(.., count)| count).sum()
    };
    let uptime = facade.clock.now().0.saturating_sub(registrar.born().0);
    Ok(unenveloped(&Status {
        node: &facade.node,
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: uptime / 1000,
        registrations: registrar.cache().held(),
        max_registrations: registrar.capacity().registrations,
        applied: sum(&["stored", "removed", "flush", "ignored"]),
        dropped: sum(&["rejected"]),
        readiness: readiness(&facade),
    }))
}
