//! `POST /admin/sync`

use std::collections::BTreeMap;

use actix_web::web::Data;
use registrar::SyncError;
use serde::Serialize;

use crate::{
    error::ApiError,
    extract::{Operator, Write},
    response::{Answer, unenveloped},
    state::Facade,
};

#[derive(Serialize)]
struct Synced {
    /// Other registrars that answered, by zone.
    peers: BTreeMap<String, usize>,
    from_peers: u64,
    replayed: u64,
    new: u64,
    registrations: usize,
}

/// Asks proxies and other registrars again; answers when they have answered.
pub(super) async fn sync(facade: Data<Facade>, _: Operator<Write>) -> Answer {
    tracing::info!("an operator orders a sync");
    let synced = facade.registrar.resync().await;
    let synced = synced.map_err(|error| match error {
        SyncError::Running => ApiError::Busy,
        SyncError::NoZone => ApiError::NoBroker,
    })?;
    let peers = synced.zones.iter();
    Ok(unenveloped(&Synced {
        peers: peers
            .map(|(zone, peers)| (zone.as_str().to_owned(), *peers))
            .collect(),
        from_peers: synced.from_peers,
        replayed: synced.replayed,
        new: synced.new,
        registrations: facade.registrar.cache().held(),
    }))
}
