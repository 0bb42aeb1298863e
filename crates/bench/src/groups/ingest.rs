//! Events in process: bytes in, table and index updated.

use crate::{fixture::table::Table, plan::Plan, report::Row};

pub(super) fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let row = |what: &str| {
        let name = format!("ingest/{what}/{}/2 threads", plan.large);
        Row::new(&name, "events a second")
    };
    let mut register = row("register");
    let mut refresh = row("refresh").at_least(300_000.0);
    let table = Table::new(plan.large, 20)?;
    for _ in 0..plan.runs {
        refresh.push(table.pass()?);
    }
    drop(table);
    for _ in 0..plan.runs {
        register.push(Table::empty(plan.large, 20)?.pass()?);
    }
    Ok(vec![register, refresh])
}
