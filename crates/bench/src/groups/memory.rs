//! Memory per registration: what a process grows by when a table is filled.

use anyhow::{Context as _, ensure};
use registration::UnixSeconds;

use crate::{
    adapter::{Node, now},
    fixture::{
        phones::{Fleet, Maker},
        table::shuffled,
    },
    plan::Plan,
    process::{Child, resident, tell},
    report::{Row, figure, median},
};

pub(super) fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for per_account in [20, 1, 1000] {
        let row = |state: &str| {
            let name = format!("memory/{} by {per_account}/{state}", plan.large);
            let row = Row::new(&name, "bytes a registration");
            // The usual account; the others show how its size matters.
            if per_account == 20 {
                row.at_most(1000.0)
            } else {
                row
            }
        };
        let (mut registered, mut refreshed) = (row("registered"), row("refreshed"));
        let mut peaks = Vec::new();
        for _ in 0..plan.runs {
            let arguments = [&plan.large.to_string(), &per_account.to_string()];
            let child = Child::start(&["memory", arguments[0], arguments[1]])?;
            let figures = child.line.split_whitespace().map(str::parse);
            let figures = figures.collect::<Result<Vec<f64>, _>>()?;
            let [first, last, peak] = figures.try_into().ok().context("three figures")?;
            registered.push(first);
            refreshed.push(last);
            peaks.push(peak);
        }
        refreshed.note = format!("at most {} meanwhile", figure(median(&peaks)));
        rows.extend([registered, refreshed]);
    }
    Ok(rows)
}

/// The process that is measured: phones register, then each refreshes three times. Says how many bytes
/// a registration it grew by then, by now, and at most.
pub(crate) fn fill(phones: u32, per_account: u32) -> anyhow::Result<()> {
    let fleet = Fleet::new(phones, per_account);
    let maker = Maker::new(7200);
    let order = shuffled(fleet.len());
    let start = now().0 - 3000;
    let mut event = Vec::with_capacity(2048);
    let (before, _) = resident()?;
    let node = Node::new()?;
    let mut stages = Vec::new();
    for round in 0..4 {
        for at in &order {
            maker.write(fleet.phone(*at), UnixSeconds(start + round), &mut event);
            ensure!(node.deliver(&event), "an event was not taken");
        }
        node.sweep();
        stages.push(resident()?);
    }
    ensure!(
        node.len() == fleet.len() as usize,
        "there are {}",
        node.len()
    );
    let each = |bytes: u64| bytes.saturating_sub(before) as f64 / f64::from(fleet.len());
    let (first, last) = (stages.first(), stages.last());
    let ((first, _), (last, peak)) = first.zip(last).context("no rounds")?;
    tell(&format!("{} {} {}", each(*first), each(*last), each(*peak)));
    Ok(())
}
