//! The hot paths, one by one: `benches/times.rs` and `benches/instructions.rs`.

use std::{hint::black_box, rc::Rc};

use crate::{
    adapter::{decode, scope},
    fixture::{
        phones::{Fleet, Phone},
        table::Table,
    },
};

/// Phones of the table.
const PHONES: u32 = 2_000;
/// Phones of the account that is listed and counted.
const ACCOUNT: u32 = 100;
/// Operations that are done together.
pub const BATCH: u32 = 500;

/// [`BATCH`] operations, prepared.
pub type Batch = Box<dyn FnOnce()>;

/// Prepares operations: what that takes does not count.
pub type Prepare = Box<dyn FnMut() -> Batch>;

/// The cases, by name.
pub const NAMES: [&str; 6] = ["decode", "register", "refresh", "get", "list", "count"];

/// A case of this name; its list and its count are of 100 phones.
pub fn case(name: &str) -> anyhow::Result<Prepare> {
    let table = Rc::new(Table::new(PHONES, 20)?);
    let account = table.fleet.after(1, ACCOUNT);
    table.register(account)?;
    let scope = scope(account.first_account)?;
    Ok(match name {
        "decode" => with_events(table, |_, event| decode(event)),
        "refresh" => with_events(table, |table, event| table.node.deliver(event)),
        "register" => registering(table),
        "get" => repeated(move |at| table.node.has(table.fleet.phone(at))),
        "list" => repeated(move |_| table.node.list(&scope)),
        "count" => repeated(move |_| table.node.count(&scope)),
        _ => anyhow::bail!("no case {name:?}; there are {}", NAMES.join(", ")),
    })
}

fn repeated<T>(work: impl Fn(u32) -> T + 'static) -> Prepare {
    let work = Rc::new(work);
    Box::new(move || {
        let work = Rc::clone(&work);
        Box::new(move || {
            for at in 0..BATCH {
                black_box(work(at));
            }
        })
    })
}

/// Events of phones from all over the table, other ones each time.
fn with_events(table: Rc<Table>, work: fn(&Table, &[u8]) -> bool) -> Prepare {
    let mut from = 0;
    Box::new(move || {
        let (table, second) = (Rc::clone(&table), table.next_second());
        let phones = table.order.iter().cycle().skip(from).take(BATCH as usize);
        let events = phones.map(|at| table.maker.event(table.fleet.phone(*at), second));
        let events: Vec<_> = events.collect();
        from = (from + BATCH as usize) % PHONES as usize;
        Box::new(move || {
            for event in &events {
                black_box(work(&table, event));
            }
        })
    })
}

/// Phones of accounts of their own, twenty each.
fn registering(table: Rc<Table>) -> Prepare {
    let mut fleet = Fleet {
        first_account: 100_000,
        accounts: BATCH / 20,
        per_account: 20,
    };
    Box::new(move || {
        let (table, second) = (Rc::clone(&table), table.next_second());
        let events = fleet
            .phones()
            .map(|phone: Phone| table.maker.event(phone, second));
        let events: Vec<_> = events.collect();
        fleet = fleet.after(BATCH / 20, 20);
        Box::new(move || {
            for event in &events {
                black_box(table.node.deliver(event));
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_repeated() {
        for name in NAMES {
            let mut prepare = case(name).unwrap();
            for _ in 0..3 {
                prepare()();
            }
        }
        assert!(case("nonsense").is_err());
    }
}
