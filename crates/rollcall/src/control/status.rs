//! `status`

use std::collections::BTreeMap;

use anyhow::Context as _;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{
    client::Client,
    exit::{Code, Failure},
    output::{clean, line, registrations},
};
use crate::cli::Service;

#[derive(Deserialize)]
struct Status {
    node: String,
    version: String,
    uptime_seconds: u64,
    registrations: u64,
    max_registrations: u64,
    applied: u64,
    dropped: u64,
    readiness: Readiness,
}

#[derive(Deserialize)]
struct Readiness {
    status: String,
    #[serde(default)]
    reasons: Vec<String>,
    zones: BTreeMap<String, Zone>,
    reconciliation: Option<Round>,
}

#[derive(Deserialize)]
struct Zone {
    broker: String,
    seconds: u64,
    table: String,
}

#[derive(Deserialize)]
struct Round {
    seconds_ago: u64,
    realms: u64,
    ghosts: u64,
    finds: u64,
    unanswered: u64,
}

/// `rollcall status`
pub(super) async fn status(service: &Service, json: bool) -> anyhow::Result<()> {
    let client = Client::new(service)?;
    let body: Value = client.json(Method::GET, "/admin/status", &[]).await?;
    let text = serde_json::to_string_pretty(&body)?;
    let status: Status =
        serde_json::from_value(body).context("the service's status cannot be read")?;
    if json {
        line(&text)?;
    } else {
        print(&status)?;
    }
    if status.readiness.status == "not_ready" {
        let reasons = status.readiness.reasons.join("; ");
        return Err(Failure::of(
            Code::NotReady,
            format!("not ready: {}", clean(&reasons)),
        ));
    }
    Ok(())
}

fn print(status: &Status) -> anyhow::Result<()> {
    let readiness = &status.readiness;
    line(&format!(
        "{} {}, up {}: {}",
        clean(&status.node),
        clean(&status.version),
        span(status.uptime_seconds),
        clean(&readiness.status).replace('_', " ")
    ))?;
    line(&format!(
        "table           {} of at most {}",
        registrations(status.registrations),
        status.max_registrations
    ))?;
    line(&format!(
        "messages        {} applied, {} dropped",
        status.applied, status.dropped
    ))?;
    for (name, zone) in &readiness.zones {
        line(&format!(
            "zone {:10} {} for {}, table {}",
            clean(name),
            clean(&zone.broker),
            span(zone.seconds),
            clean(&zone.table)
        ))?;
    }
    if let Some(round) = &readiness.reconciliation {
        line(&format!(
            "reconciliation  {} ago: {} realms, {} ghosts, {} finds, {} unanswered",
            span(round.seconds_ago),
            round.realms,
            round.ghosts,
            round.finds,
            round.unanswered
        ))?;
    }
    for reason in &readiness.reasons {
        line(&format!("missing         {}", clean(reason)))?;
    }
    Ok(())
}

/// The two largest units of a span.
fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_two_units_at_most() {
        let spans = [59, 61, 3_725, 90_061].map(span);
        assert_eq!(spans, ["59 s", "1 min 1 s", "1 h 2 min", "1 d 1 h"]);
    }
}
