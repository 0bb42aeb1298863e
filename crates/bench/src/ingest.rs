//! Events in process: bytes in, table and indexes updated.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use registration::UnixSeconds;
use serde::de::IgnoredAny;

use crate::{
    adapter::{Node, now},
    event::{Fleet, Maker},
    options::Plan,
    process::had_processor,
    report::{Bound, Row, figure, median},
};

/// Events that are made before they are taken in together: making them is not measured, and what
/// takes them in finds them where a socket would leave them, in the processor's second cache.
const BATCH: usize = 64;

/// All numbers below `count` in an order that is none, the same each time.
pub fn shuffled(count: u32) -> Vec<u32> {
    let mut chance = ChaCha8Rng::seed_from_u64(20);
    let mut order: Vec<u32> = (0..count).collect();
    for at in (1..order.len()).rev() {
        let other = chance.next_u64() % (at as u64 + 1);
        order.swap(at, other as usize);
    }
    order
}

/// A table with its phones.
pub struct Filled {
    /// The registrar.
    pub node: Node,
    /// Who is registered.
    pub fleet: Fleet,
    /// In which order they speak.
    pub order: Vec<u32>,
    /// Makes their events.
    pub maker: Maker,
    /// The second of the next events.
    second: AtomicU64,
}

/// What taking events in took.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Events a second, of all threads together.
    pub rate: f64,
    /// Nanoseconds of processor time that an event took: the same on a busy machine.
    pub cost: f64,
    /// Nanoseconds that making an event took.
    pub making: f64,
}

impl Filled {
    /// An empty table, of so many phones.
    pub fn empty(phones: u32, per_account: u32) -> anyhow::Result<Self> {
        let fleet = Fleet::new(phones, per_account);
        Ok(Self {
            node: Node::new()?,
            order: shuffled(fleet.len()),
            maker: Maker::new(7200)?,
            // In the past, so that there are seconds enough.
            second: AtomicU64::new(now().0.saturating_sub(3600)),
            fleet,
        })
    }

    /// A full one.
    pub fn new(phones: u32, per_account: u32) -> anyhow::Result<Self> {
        let filled = Self::empty(phones, per_account)?;
        let fleet = filled.fleet;
        filled.pass(2, 1, &|event| filled.node.deliver(event))?;
        ensure!(
            filled.node.len() == fleet.len() as usize,
            "not all have registered"
        );
        // As the program does twice a second.
        filled.node.sweep();
        Ok(filled)
    }

    /// Has every phone come back once, which is judged; from then on it says the same again.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.pass(2, 1, &|event| self.node.deliver(event))?;
        Ok(())
    }

    /// The second of events that are newer than any before.
    pub fn next_second(&self) -> UnixSeconds {
        UnixSeconds(self.second.fetch_add(1, Ordering::Relaxed))
    }

    /// Has every phone send `rounds` events, each thread its own share of the phones.
    pub fn pass(
        &self,
        threads: usize,
        rounds: u64,
        take: &(dyn Fn(&[u8]) -> bool + Sync),
    ) -> anyhow::Result<Pace> {
        let first = self.second.fetch_add(rounds, Ordering::Relaxed);
        ensure!(
            first + rounds <= now().0,
            "there is no second left in the past for more events: ask for fewer runs"
        );
        let begin = Barrier::new(threads);
        let share = self.order.len().div_ceil(threads);
        let spent = std::thread::scope(|scope| {
            let shares = self.order.chunks(share);
            let threads = shares.map(|share| {
                let begin = &begin;
                scope.spawn(move || {
                    begin.wait();
                    let mut spent = Spent::default();
                    for round in 0..rounds {
                        self.share(share, UnixSeconds(first + round), take, &mut spent);
                    }
                    spent
                })
            });
            // All of them run before the first is waited for.
            let threads: Vec<_> = threads.collect();
            let joined = threads.into_iter().map(|thread| thread.join().ok());
            joined.collect::<Option<Vec<Spent>>>()
        });
        let spent = spent.ok_or_else(|| anyhow::anyhow!("a thread panicked"))?;
        ensure!(
            spent.iter().all(|spent| spent.refused == 0),
            "{} events were not taken",
            spent.iter().map(|spent| spent.refused).sum::<u64>()
        );
        let sum = |of: &dyn Fn(&Spent) -> f64| spent.iter().map(of).sum::<f64>();
        let all = sum(&|spent| spent.events as f64);
        let nanos = |time: Duration| time.as_nanos() as f64;
        Ok(Pace {
            rate: sum(&|spent| spent.events as f64 / spent.taking.as_secs_f64()),
            cost: sum(&|spent| spent.processor as f64) / all,
            making: sum(&|spent| nanos(spent.making)) / all,
        })
    }

    fn share(
        &self,
        share: &[u32],
        second: UnixSeconds,
        take: &(dyn Fn(&[u8]) -> bool + Sync),
        spent: &mut Spent,
    ) {
        let mut events = vec![Vec::new(); BATCH];
        for batch in share.chunks(BATCH) {
            let begun = Instant::now();
            for (at, event) in batch.iter().zip(&mut events) {
                self.maker.write(self.fleet.phone(*at), second, event);
            }
            let (made, had) = (Instant::now(), had_processor());
            for (_, event) in batch.iter().zip(&events) {
                spent.refused += u64::from(!take(event));
            }
            spent.taking += made.elapsed();
            spent.processor += had_processor() - had;
            spent.making += made - begun;
            spent.events += batch.len() as u64;
        }
    }
}

#[derive(Default)]
struct Spent {
    events: u64,
    refused: u64,
    taking: Duration,
    processor: u64,
    making: Duration,
}

/// The least that reading an event takes a general parser of JSON: looking at every byte.
fn walk(event: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(std::hint::black_box(event)).is_ok()
}

/// All rows.
pub fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for threads in [1, 2] {
        rows.extend(newcomers(plan, threads)?);
    }
    rows.extend(refreshes(plan)?);
    Ok(rows)
}

fn row(kind: &str, size: u32, threads: usize) -> Row {
    Row::new(
        &format!("ingest/{kind}/{size}/{threads} threads"),
        "events a second",
        "taken in",
        "JSON walked only",
    )
}

/// Phones that register for the first time.
fn newcomers(plan: &Plan, threads: usize) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = plan.sizes.map(|size| row("new", size, threads)).into();
    for _ in 0..plan.runs {
        for (row, size) in rows.iter_mut().zip(plan.sizes) {
            let table = Filled::empty(size, 20)?;
            let walked = table.pass(threads, 1, &walk)?;
            let taken = table.pass(threads, 1, &|event| table.node.deliver(event))?;
            row.push(taken.rate, walked.rate);
        }
    }
    Ok(rows)
}

/// What a pass took, and what one took in which events were only walked.
struct Turn {
    taken: Pace,
    walked: Pace,
}

/// Has the phones of each table refresh, in turns, so that a moment in which the machine is slow
/// comes to all of them.
fn in_turns(plan: &Plan, tables: &[Filled], threads: usize) -> anyhow::Result<Vec<Vec<Turn>>> {
    let [.., large] = plan.sizes;
    let mut all: Vec<Vec<Turn>> = tables.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.turns {
        for (table, turns) in tables.iter().zip(&mut all) {
            // As many events whatever the size of the table, up to the large one's.
            let rounds = u64::from((large / 4 / table.fleet.len()).max(1));
            turns.push(Turn {
                walked: table.pass(threads, rounds, &walk)?,
                taken: table.pass(threads, rounds, &|event| table.node.deliver(event))?,
            });
        }
    }
    Ok(all)
}

/// Phones that refresh.
fn refreshes(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let [small, middling, large] = plan.sizes;
    let tables = plan.sizes.into_iter().map(|size| {
        let table = Filled::new(size, 20)?;
        table.settle()?;
        anyhow::Ok(table)
    });
    let tables = tables.collect::<anyhow::Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    for threads in [1, 2] {
        let mut rates: Vec<Row> = plan
            .sizes
            .map(|size| row("refresh", size, threads))
            .into_iter()
            .collect();
        if threads == 2 {
            let least = Bound::AtLeast(1_000_000.0);
            rates = rates.into_iter().map(|row| row.held_to(least)).collect();
        }
        let mut growth: Vec<Row> = [middling, large]
            .map(|size| {
                Row::new(
                    &format!("ingest/growth/{size}/{threads} threads"),
                    "ns of processor time an event",
                    "taken in",
                    &format!("at {small}"),
                )
                .held_to(Bound::RatioAtMost(1.5))
            })
            .into();
        let mut making = Vec::new();
        for _ in 0..plan.runs {
            let mut costs = Vec::new();
            let turns = in_turns(plan, &tables, threads)?;
            for (row, turns) in rates.iter_mut().zip(turns) {
                let mean = |figure: &dyn Fn(&Turn) -> f64| {
                    turns.iter().map(figure).sum::<f64>() / turns.len() as f64
                };
                row.push(
                    mean(&|turn| turn.taken.rate),
                    mean(&|turn| turn.walked.rate),
                );
                costs.push(mean(&|turn| turn.taken.cost));
                making.push(mean(&|turn| turn.taken.making));
            }
            let at_small = costs.first().copied().unwrap_or(f64::NAN);
            for (row, cost) in growth.iter_mut().zip(costs.iter().skip(1)) {
                row.push(*cost, at_small);
            }
        }
        if let Some(row) = rates.last_mut() {
            row.note = format!(
                "making an event takes {} ns, which is not counted",
                figure(median(&making))
            );
        }
        rows.append(&mut rates);
        rows.append(&mut growth);
    }
    Ok(rows)
}
