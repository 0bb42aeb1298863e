//! Memory per registration: what a process grows by when a table is filled.

use std::collections::HashMap;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::{
    adapter::{Node, now},
    child,
    event::{Fleet, Maker},
    ingest::shuffled,
    options::Plan,
    process::resident,
    report::{Bound, Row},
};

/// What a process has grown by, in bytes a registration.
#[derive(Debug, Serialize, Deserialize)]
struct Grown {
    /// When all phones had registered.
    fresh: f64,
    /// When each had refreshed three times, in no order.
    refreshed: f64,
    /// At the most.
    peak: f64,
}

/// All rows.
pub fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let [_, middling, large] = plan.sizes;
    let cases = [
        (middling, 20, None),
        (large, 1, None),
        (large, 20, Some(Bound::AtMost(600.0))),
        (large, 1000, None),
    ];
    let mut rows = Vec::new();
    for (phones, per_account, bound) in cases {
        rows.extend(of(plan, phones, per_account, bound)?);
    }
    Ok(rows)
}

fn of(
    plan: &Plan,
    phones: u32,
    per_account: u32,
    bound: Option<Bound>,
) -> anyhow::Result<[Row; 2]> {
    let row = |state: &str| {
        let name = format!("memory/{phones}x{per_account}/{state}");
        let row = Row::new(
            &name,
            "bytes a registration",
            "the process grows by",
            "the events as they came, by AOR",
        );
        match bound {
            Some(bound) => row.held_to(bound),
            None => row,
        }
    };
    let (mut fresh, mut refreshed) = (row("registered"), row("refreshed"));
    let mut peak = Vec::new();
    for _ in 0..plan.runs {
        let (phones, per_account) = (phones.to_string(), per_account.to_string());
        let ours: Grown = child::ask(&["memory", &phones, &per_account])?;
        let bare: Grown = child::ask(&["memory", &phones, &per_account, "--bare"])?;
        fresh.push(ours.fresh, bare.fresh);
        refreshed.push(ours.refreshed, bare.refreshed);
        peak.push(ours.peak);
    }
    refreshed.note = format!(
        "at the most {} bytes meanwhile",
        crate::report::figure(crate::report::median(&peak))
    );
    Ok([fresh, refreshed])
}

/// The process that is measured.
pub fn child(phones: u32, per_account: u32, bare: bool) -> anyhow::Result<()> {
    let fleet = Fleet::new(phones, per_account);
    let maker = Maker::new(7200)?;
    let order = shuffled(fleet.len());
    let start = now().0 - 3000;
    let mut event = Vec::with_capacity(2048);
    let mut kept: HashMap<String, Box<[u8]>> = HashMap::new();
    let (before, _) = resident()?;
    let node = Node::new()?;
    let mut stages = Vec::new();
    for round in 0..4 {
        for at in &order {
            let phone = fleet.phone(*at);
            maker.write(phone, registration::UnixSeconds(start + round), &mut event);
            if bare {
                kept.insert(phone.username(), event.as_slice().into());
            } else {
                ensure!(node.deliver(&event), "an event was not taken");
            }
        }
        node.sweep();
        let (now, peak) = resident()?;
        let each = |bytes: u64| bytes.saturating_sub(before) as f64 / f64::from(fleet.len());
        stages.push((each(now), each(peak)));
    }
    let all = if bare { kept.len() } else { node.len() };
    ensure!(all == fleet.len() as usize, "there are {all}");
    let of = |at: usize| stages.get(at).copied().unwrap_or_default();
    let grown = Grown {
        fresh: of(0).0,
        refreshed: of(3).0,
        peak: of(3).1,
    };
    child::say(&serde_json::to_value(grown)?);
    Ok(())
}
