//! The flush of a realm.

use std::time::Instant;

use anyhow::ensure;

use crate::{
    adapter::Node,
    event::{Fleet, Maker},
    ingest::Filled,
    options::Plan,
    report::{Bound, Row},
};

/// Registrations of the realm that is flushed.
const REALM: u32 = 1000;

/// All rows.
pub fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let [small, _, large] = plan.sizes;
    let (small, large) = (Filled::new(small, 20)?, Filled::new(large, 20)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let row = |how: &str| {
        Row::new(
            &format!("flush/{REALM} of {}/{how}", large.fleet.len()),
            "ms",
            "the realm is forgotten",
            &format!("of {}", small.fleet.len()),
        )
        .held_to(Bound::AtMost(2.0))
    };
    let (mut heard, mut ordered) = (row("heard"), row("ordered"));
    for _ in 0..plan.runs {
        let by_message = |node: &Node, account| Ok(node.flush(account));
        let by_order = |node: &Node, account| runtime.block_on(node.order_flush(account));
        heard.push(timed(&large, by_message)?, timed(&small, by_message)?);
        ordered.push(timed(&large, by_order)?, timed(&small, by_order)?);
    }
    ordered.note = "with a bus that takes the message at once".into();
    Ok(vec![heard, ordered])
}

/// Milliseconds that the flush takes, of phones that have just registered.
fn timed(
    table: &Filled,
    flush: impl FnOnce(&Node, u32) -> anyhow::Result<usize>,
) -> anyhow::Result<f64> {
    let fleet = Fleet {
        first_account: table.fleet.accounts,
        accounts: 1,
        per_account: REALM,
    };
    register(table, fleet, &table.maker)?;
    let begun = Instant::now();
    let gone = flush(&table.node, fleet.first_account)?;
    let took = begun.elapsed();
    ensure!(gone == REALM as usize, "{gone} were flushed");
    Ok(took.as_secs_f64() * 1000.0)
}

fn register(table: &Filled, fleet: Fleet, maker: &Maker) -> anyhow::Result<()> {
    let second = table.next_second();
    for phone in fleet.phones() {
        let event = maker.event(phone, second);
        ensure!(table.node.deliver(&event), "an event was not taken");
    }
    Ok(())
}
