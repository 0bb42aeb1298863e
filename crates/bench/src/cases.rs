//! The hot paths, one by one, for time (`benches/micro.rs`) and for instructions
//! ([`crate::instructions`]).

use std::{hint::black_box, rc::Rc};

use anyhow::Context as _;
use kapi::{Limits, Spelling, decode, write_json};
use registrar::Scope;
use registration::UnixSeconds;

use crate::{
    adapter::{now, scope},
    event::{Fleet, Phone},
    ingest::Filled,
};

/// Phones of the table.
const PHONES: u32 = 2_000;
/// Operations that are done together.
pub const BATCH: u32 = 500;

/// Some operations, prepared.
pub type Batch = Box<dyn FnOnce()>;

/// Prepares operations: what that takes is not counted.
pub type Prepare = Box<dyn FnMut() -> Batch>;

/// The cases, by name.
pub const NAMES: [&str; 11] = [
    "decode",
    "register",
    // Of a phone that has not said the same before.
    "judge",
    "refresh",
    "get",
    "list of 20",
    "list of 1000",
    "count of 1000",
    "render",
    "unpack",
    "write",
];

/// A case of this name.
pub fn case(name: &str) -> anyhow::Result<Prepare> {
    let table = Rc::new(Filled::new(PHONES, 20)?);
    let big = Fleet {
        first_account: table.fleet.accounts,
        accounts: 1,
        per_account: 1000,
    };
    let second = table.next_second();
    for phone in big.phones() {
        table.node.deliver(&table.maker.event(phone, second));
    }
    let (small, big) = (scope(7)?, scope(big.first_account)?);
    Ok(match name {
        "decode" => decoding(&table),
        "register" => registering(table),
        "judge" => refreshing(table),
        "refresh" => {
            table.settle()?;
            refreshing(table)
        }
        "get" => getting(table),
        "list of 20" => repeated(BATCH, move || table.node.list(&small)),
        "list of 1000" => repeated(BATCH / 50, move || table.node.list(&big)),
        "count of 1000" => repeated(BATCH / 50, move || table.node.count(&big)),
        "render" => rendering(&table, &small)?,
        "unpack" => unpacking(&table, &small)?,
        "write" => writing(&table, &small)?,
        _ => anyhow::bail!("no case {name:?}; there are {}", NAMES.join(", ")),
    })
}

fn repeated<T>(times: u32, work: impl Fn() -> T + 'static) -> Prepare {
    let work = Rc::new(work);
    Box::new(move || {
        let work = Rc::clone(&work);
        Box::new(move || {
            for _ in 0..times {
                black_box(work());
            }
        })
    })
}

/// Events of phones scattered over the table, the next ones each time.
fn events(table: &Rc<Filled>) -> impl FnMut(UnixSeconds) -> Vec<Vec<u8>> + use<> {
    let (table, mut at) = (Rc::clone(table), 0_usize);
    move |second| {
        let some = table.order.iter().cycle().skip(at).take(BATCH as usize);
        let events = some.map(|number| table.maker.event(table.fleet.phone(*number), second));
        let events = events.collect();
        at = (at + BATCH as usize) % table.order.len();
        events
    }
}

fn decoding(table: &Rc<Filled>) -> Prepare {
    let mut events = events(table);
    Box::new(move || {
        let events = events(now());
        Box::new(move || {
            for event in &events {
                drop(black_box(decode(event, Limits::default())));
            }
        })
    })
}

fn delivering(table: &Rc<Filled>, events: Vec<Vec<u8>>) -> Batch {
    let table = Rc::clone(table);
    Box::new(move || {
        for event in &events {
            black_box(table.node.deliver(event));
        }
    })
}

fn refreshing(table: Rc<Filled>) -> Prepare {
    let mut events = events(&table);
    Box::new(move || delivering(&table, events(table.next_second())))
}

fn registering(table: Rc<Filled>) -> Prepare {
    let mut next = 0;
    Box::new(move || {
        let second = table.next_second();
        // Accounts of their own, twenty phones each.
        let phones = (next..next + BATCH).map(|number| Phone {
            account: 100_000 + number / 20,
            number,
        });
        next += BATCH;
        let events = phones.map(|phone| table.maker.event(phone, second));
        delivering(&table, events.collect())
    })
}

fn getting(table: Rc<Filled>) -> Prepare {
    Box::new(move || {
        let table = Rc::clone(&table);
        Box::new(move || {
            for number in table.order.iter().take(BATCH as usize) {
                black_box(table.node.has(table.fleet.phone(*number)));
            }
        })
    })
}

fn rendering(table: &Rc<Filled>, scope: &Scope) -> anyhow::Result<Prepare> {
    let one = table.node.registrar.list(scope);
    let one = one.into_iter().next().context("nobody is registered")?;
    let one = one.registration();
    Ok(repeated(1, move || {
        let mut out = Vec::with_capacity(2048);
        for _ in 0..BATCH {
            out.clear();
            write_json(&one, Spelling::Http, &mut out);
            black_box(&out);
        }
    }))
}

/// As an item of a list is written.
fn writing(table: &Rc<Filled>, scope: &Scope) -> anyhow::Result<Prepare> {
    let one = table.node.registrar.list(scope);
    let one = one.into_iter().next().context("nobody is registered")?;
    Ok(repeated(1, move || {
        let mut out = Vec::with_capacity(2048);
        for _ in 0..BATCH {
            out.clear();
            write_json(&one.view(), Spelling::Http, &mut out);
            black_box(&out);
        }
    }))
}

fn unpacking(table: &Rc<Filled>, scope: &Scope) -> anyhow::Result<Prepare> {
    let one = table.node.registrar.list(scope);
    let one = one.into_iter().next().context("nobody is registered")?;
    Ok(repeated(BATCH, move || drop(black_box(one.registration()))))
}

/// Runs a batch: what callgrind counts.
#[inline(never)]
pub fn counted_batch(batch: Batch) {
    batch();
}

/// How many operations a batch of a case is.
pub fn operations(name: &str) -> u32 {
    match name {
        "list of 1000" | "count of 1000" => BATCH / 50,
        _ => BATCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_repeated() {
        for name in NAMES {
            let mut prepare = case(name).unwrap();
            for _ in 0..3 {
                counted_batch(prepare());
            }
        }
        assert!(case("nonsense").is_err());
    }
}
