//! The flush of a realm.

use std::time::Instant;

use anyhow::ensure;

use crate::{adapter::Node, fixture::table::Table, plan::Plan, report::Row};

/// Registrations of the realm that is flushed.
const REALM: u32 = 1000;

pub(super) fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let table = Table::new(plan.large, 20)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let row = |how: &str| {
        let name = format!("flush/{REALM} of {}/{how}", plan.large);
        Row::new(&name, "ms").at_most(10.0)
    };
    let (mut received, mut ordered) = (row("received"), row("ordered"));
    ordered.note = "with a bus that takes the message at once".into();
    for _ in 0..plan.runs {
        received.push(timed(&table, |node, account| Ok(node.flush(account)))?);
        let order = |node: &Node, account| runtime.block_on(node.order_flush(account));
        ordered.push(timed(&table, order)?);
    }
    Ok(vec![received, ordered])
}

/// Milliseconds that the flush takes, of phones that have just registered.
fn timed(
    table: &Table,
    flush: impl FnOnce(&Node, u32) -> anyhow::Result<usize>,
) -> anyhow::Result<f64> {
    let realm = table.fleet.after(1, REALM);
    table.register(realm)?;
    let begun = Instant::now();
    let gone = flush(&table.node, realm.first_account)?;
    let took = begun.elapsed();
    ensure!(gone == REALM as usize, "{gone} were flushed");
    Ok(took.as_secs_f64() * 1000.0)
}
