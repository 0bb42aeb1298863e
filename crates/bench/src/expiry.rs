//! Many registrations that fall due in the same second, seen by who reads meanwhile.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::ensure;
use registration::UnixSeconds;

use crate::{
    adapter::{now, padding, scope},
    event::{Fleet, Maker},
    ingest::Filled,
    options::Plan,
    pauses::{Pauses, Wander, while_reading},
    report::{Bound, Row, figure, median},
};

/// Seconds that registrations last that are to fall due.
const EXPIRES: u32 = 300;
/// How long before they fall due, and how long afterwards, somebody reads.
const AROUND: Duration = Duration::from_secs(3);
/// How often the program sweeps.
const SWEEP: Duration = Duration::from_secs(1);

/// All rows.
pub fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let [.., large] = plan.sizes;
    let table = Filled::new(large, 20)?;
    let row = |what: &str| {
        Row::new(
            &format!("expiry/{} of {large} at once/{what}", plan.due),
            "ms",
            "longest read",
            "the same without expiry",
        )
    };
    let mut wall = row("longest read").held_to(Bound::AtMost(5.0));
    let mut running = row("longest read, scheduler's delays left out");
    let mut sweeps = Vec::new();
    for _ in 0..plan.runs {
        let (calm, _) = watched(&table, 2 * AROUND)?;
        let (seen, sweep) = falling_due(&table, plan.due)?;
        wall.push(seen.longest, calm.longest);
        running.push(seen.longest_running, calm.longest_running);
        sweeps.push(sweep);
    }
    wall.note = format!(
        "one reader of accounts' lists; the sweep takes {} ms at the longest",
        figure(median(&sweeps))
    );
    Ok(vec![wall, running])
}

/// Reads lists of accounts for so long, with the sweep going on; and the longest sweep.
fn watched(table: &Filled, length: Duration) -> anyhow::Result<(Pauses, f64)> {
    let scopes: Vec<_> = (0..table.fleet.accounts.min(5000))
        .map(|at| scope(at * (table.fleet.accounts / table.fleet.accounts.min(5000))))
        .collect::<anyhow::Result<_>>()?;
    let (wander, fleet) = (Wander::default(), table.fleet);
    let mut short = 0;
    let read = || {
        if let Some(scope) = scopes.get(wander.next(scopes.len() as u32) as usize) {
            short += u64::from(table.node.list(scope) != fleet.per_account as usize);
        }
    };
    let (pauses, longest) = while_reading(read, || {
        let end = Instant::now() + length;
        let mut longest = Duration::ZERO;
        while Instant::now() < end {
            let begun = Instant::now();
            table.node.sweep();
            longest = longest.max(begun.elapsed());
            sleep(SWEEP.min(end.saturating_duration_since(Instant::now())));
        }
        longest
    });
    ensure!(short == 0, "{short} lists were not whole");
    Ok((pauses, longest.as_secs_f64() * 1000.0))
}

/// The same while registrations fall due.
fn falling_due(table: &Filled, due: u32) -> anyhow::Result<(Pauses, f64)> {
    let fleet = Fleet {
        first_account: table.fleet.accounts,
        accounts: due / 20,
        per_account: 20,
    };
    let maker = Maker::new(EXPIRES)?;
    // Far enough for all to have registered before.
    let end = now().0 + 4 + u64::from(due / 20_000);
    let second = UnixSeconds(end - u64::from(EXPIRES + padding()));
    let mut event = Vec::new();
    for phone in fleet.phones() {
        maker.write(phone, second, &mut event);
        ensure!(table.node.deliver(&event), "an event was not taken");
    }
    let first = scope(fleet.first_account)?;
    ensure!(table.node.count(&first) == 20, "they fell due too early");
    let left = Duration::from_secs(end.saturating_sub(now().0));
    sleep(left.saturating_sub(AROUND));
    let seen = watched(table, 2 * AROUND)?;
    ensure!(
        table.node.len() == table.fleet.len() as usize,
        "not all of them have expired"
    );
    Ok(seen)
}
