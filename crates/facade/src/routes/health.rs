//! `GET /healthz` and `GET /readyz`: whether the process is alive, and whether its answers are whole.
//! For load balancers and operators: no token, no envelope, nothing of any account.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, get, head},
};
use registrar::{LinkState, SyncState, ZoneHealth};
use serde::Serialize;

use crate::{
    paths::{READ, resource},
    response::{unenveloped, unenveloped_in},
    state::Facade,
};

/// The routes of health checks.
pub(super) fn configure(config: &mut ServiceConfig) {
    let alive = resource("/healthz", READ)
        .route(get().to(alive))
        .route(head().to(alive));
    let ready = resource("/readyz", READ)
        .route(get().to(ready))
        .route(head().to(ready));
    config.service(alive).service(ready);
}

#[derive(Serialize, utoipa::ToSchema)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Readiness {
    status: &'static str,
    /// Why it is not ready, or only in part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    reasons: Vec<String>,
    zones: BTreeMap<String, Zone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reconciliation: Option<Reconciliation>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Zone {
    broker: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    seconds: u64,
    table: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waits_for: Option<&'static str>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Reconciliation {
    seconds_ago: u64,
    realms: u64,
    ghosts: u64,
    finds: u64,
    unanswered: u64,
}

/// `GET /healthz`: the process answers.
#[utoipa::path(
    get, path = "/healthz", tag = "health",
    security(()),
    responses(
        (status = 200, description = "The process answers", body = Alive)
    )
)]
pub(crate) async fn alive() -> HttpResponse {
    unenveloped(&Alive { status: "alive" })
}

/// `GET /readyz`: 200 if some broker is consumed and what could be asked for has been, else 503.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    security(()),
    responses(
        (status = 200, description = "Some broker is consumed, and what could be asked for has been", body = Readiness),
        (status = 503, description = "Not yet, or no longer", body = Readiness)
    )
)]
pub(crate) async fn ready(facade: Data<Facade>) -> HttpResponse {
    let body = readiness(&facade);
    let mut response = if body.status == NOT_READY {
        HttpResponse::ServiceUnavailable()
    } else {
        HttpResponse::Ok()
    };
    unenveloped_in(&mut response, &body)
}

const NOT_READY: &str = "not_ready";

/// How ready this node is, and why not.
pub(crate) fn readiness(facade: &Facade) -> Readiness {
    let health = facade.registrar.health();
    let now = facade.clock.now();
    let ago = |then: registration::UnixMillis| now.0.saturating_sub(then.0) / 1000;
    let zones = health.zones();
    let all_up = zones.values().all(|zone| zone.link == LinkState::Consuming);
    let is_ready = health.is_ready();
    Readiness {
        reasons: reasons(&zones),
        status: match (is_ready, all_up) {
            (true, true) => "ready",
            (true, false) => "degraded",
            (false, _) => NOT_READY,
        },
        zones: zones
            .into_iter()
            .map(|(name, zone)| {
                let seconds = ago(zone.since);
                (name, shown(zone, seconds))
            })
            .collect(),
        reconciliation: health.last_round().map(|round| Reconciliation {
            seconds_ago: ago(round.ended),
            realms: round.realms,
            ghosts: round.ghosts,
            finds: round.finds,
            unanswered: round.unanswered,
        }),
    }
}

/// Why it is not ready, zone by zone.
fn reasons(zones: &BTreeMap<String, ZoneHealth>) -> Vec<String> {
    let of_zone = |(name, zone): (&String, &ZoneHealth)| {
        let reason = match (&zone.link, &zone.sync) {
            (LinkState::Connecting, _) => "not connected to RabbitMQ yet".to_owned(),
            (LinkState::Down { reason }, _) => format!("not connected to RabbitMQ: {reason}"),
            (LinkState::Consuming, SyncState::Warm) => return None,
            (LinkState::Consuming, SyncState::Cold) => {
                "what was missed is not asked for yet".into()
            }
            (LinkState::Consuming, SyncState::Warming { waits_for }) => {
                format!("waits for {waits_for}")
            }
        };
        Some(format!("zone {name}: {reason}"))
    };
    if zones.is_empty() {
        return vec!["no zone has begun to connect".to_owned()];
    }
    zones.iter().filter_map(of_zone).collect()
}

fn shown(zone: ZoneHealth, seconds: u64) -> Zone {
    let (broker, reason) = match zone.link {
        LinkState::Connecting => ("connecting", None),
        LinkState::Consuming => ("consuming", None),
        LinkState::Down { reason } => ("down", Some(reason)),
    };
    let (table, waits_for) = match zone.sync {
        SyncState::Cold => ("cold", None),
        SyncState::Warming { waits_for } => ("warming", Some(waits_for)),
        SyncState::Warm => ("warm", None),
    };
    Zone {
        broker,
        reason,
        seconds,
        table,
        waits_for,
    }
}
