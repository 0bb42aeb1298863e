//! `status`

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Client, Service},
    exit::{Code, Failure},
    output::{clean, line, registrations},
};

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

/// What `status` takes.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// A JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

impl StatusArgs {
    /// `rollcall status`
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Client::new(&self.service)?;
        let body: Value = client.json(Method::GET, "/admin/status", &[]).await?;
        let text = serde_json::to_string_pretty(&body)?;
        let status: Status =
            serde_json::from_value(body).context("the service's status cannot be read")?;
        line(&if self.json { text } else { shown(&status) })?;
        if status.readiness.status == "not_ready" {
            let reasons = status.readiness.reasons.join("; ");
            let message = format!("not ready: {}", clean(&reasons));
            return Err(Failure::of(Code::NotReady, message));
        }
        Ok(())
    }
}

fn shown(status: &Status) -> String {
    let readiness = &status.readiness;
    let mut lines = vec![
        format!(
            "{} {}, up {}: {}",
            status.node,
            status.version,
            span(status.uptime_seconds),
            readiness.status.replace('_', " ")
        ),
        format!(
            "table           {} of at most {}",
            registrations(status.registrations),
            status.max_registrations
        ),
        format!(
            "messages        {} applied, {} dropped",
            status.applied, status.dropped
        ),
    ];
    for (name, zone) in &readiness.zones {
        let (broker, table, since) = (&zone.broker, &zone.table, span(zone.seconds));
        lines.push(format!(
            "zone {name:10} {broker} for {since}, table {table}"
        ));
    }
    if let Some(round) = &readiness.reconciliation {
        lines.push(format!(
            "reconciliation  {} ago: {} realms, {} ghosts, {} finds, {} unanswered",
            span(round.seconds_ago),
            round.realms,
            round.ghosts,
            round.finds,
            round.unanswered
        ));
    }
    let reasons = readiness.reasons.iter();
    lines.extend(reasons.map(|reason| format!("missing         {reason}")));
    let cleaned: Vec<_> = lines.iter().map(|line| clean(line)).collect();
    cleaned.join("\n")
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
