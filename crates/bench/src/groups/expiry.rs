//! Many registrations that end in the same second, while others are read and refreshed.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::ensure;
use registration::UnixSeconds;

use crate::{
    adapter::{SWEEP_PERIOD, now, padding, scope},
    fixture::{pauses::while_calling, phones::Maker, table::Table},
    plan::Plan,
    report::{Row, figure, median},
};

/// Seconds that registrations last that are to end.
const EXPIRES: u32 = 300;
/// For how long before they end, and afterwards, calls are timed.
const AROUND: Duration = Duration::from_secs(3);

pub(super) fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let table = Table::new(plan.large, 20)?;
    let row = |what: &str| {
        let name = format!("expiry/{} of {} at once/{what}", plan.due, plan.large);
        Row::new(&name, "ms")
    };
    let mut reads = row("longest list or count").at_most(5.0);
    let mut events = row("longest event").at_most(500.0);
    let (mut running, mut sweeps) = (Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        let end = register(&table, plan.due)?;
        let left = Duration::from_secs(end.saturating_sub(now().0));
        sleep(left.saturating_sub(AROUND));
        let (mut read, mut refresh) = (table.reader()?, table.refresher());
        let work = || sweep(&table, 2 * AROUND);
        let ([read, event], longest) = while_calling([&mut read, &mut refresh], work);
        ensure!(
            table.node.len() == table.fleet.len() as usize,
            "not all of them have ended"
        );
        reads.push(read.all);
        events.push(event.all);
        running.push(read.running);
        sweeps.push(longest);
    }
    reads.note = format!(
        "{} ms without the time for which the reader waited for a processor; the longest sweep took {} ms",
        figure(median(&running)),
        figure(median(&sweeps))
    );
    Ok(vec![reads, events])
}

/// Registers phones whose registrations end in the same second: which.
fn register(table: &Table, due: u32) -> anyhow::Result<u64> {
    let fleet = table.fleet.after(due / 20, 20);
    let maker = Maker::new(EXPIRES);
    // Far enough for all to have registered before.
    let end = now().0 + 4 + u64::from(due / 20_000);
    let second = UnixSeconds(end - u64::from(EXPIRES + padding()));
    let mut event = Vec::new();
    for phone in fleet.phones() {
        maker.write(phone, second, &mut event);
        ensure!(table.node.deliver(&event), "an event was not taken");
    }
    let first = scope(fleet.first_account)?;
    ensure!(table.node.count(&first) == 20, "they ended too early");
    Ok(end)
}

/// Sweeps for so long as often as the program does; the longest took so many milliseconds.
fn sweep(table: &Table, length: Duration) -> f64 {
    let end = Instant::now() + length;
    let mut longest = Duration::ZERO;
    while Instant::now() < end {
        let begun = Instant::now();
        table.node.sweep();
        longest = longest.max(begun.elapsed());
        sleep(SWEEP_PERIOD);
    }
    longest.as_secs_f64() * 1000.0
}
