//! The table against one of the standard library.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::slot::Slot;

/// A hash, and which of those with the same.
type Key = (u64, u8);

#[derive(Clone, Debug)]
enum Step {
    Insert(Key),
    Replace(Key),
    Take(Key),
    Reserve(usize),
}

fn step() -> impl Strategy<Value = Step> {
    // Few lines, few tags, so that they meet.
    let hash = (0_u64..5, 0_u64..4).prop_map(|(low, high)| low | high << 56);
    let key = (hash, 0_u8..24);
    prop_oneof![
        6 => key.clone().prop_map(Step::Insert),
        1 => key.clone().prop_map(Step::Replace),
        4 => key.prop_map(Step::Take),
        1 => (0_usize..40).prop_map(Step::Reserve),
    ]
}

type Entry = Box<(Key, u32)>;

fn is(key: Key) -> impl Fn(&Entry) -> bool {
    move |entry| entry.0 == key
}

fn hash_of(entry: &Entry) -> u64 {
    let (hash, _) = entry.0;
    hash
}

/// Each line counts those that have passed it, unless they were too many.
fn passed(table: &Lines<Entry>) -> Vec<u8> {
    let mut passed = vec![0_u8; table.lines.len()];
    for (there, line) in table.lines.iter().enumerate() {
        for entry in line.entries.iter().flatten() {
            for at in path(hash_of(entry), passed.len()).take_while(|at| *at != there) {
                passed[at] = passed[at].saturating_add(1);
            }
        }
    }
    passed
}

proptest! {
    #[test]
    fn it_holds_what_a_map_holds(steps in prop::collection::vec(step(), 0..400)) {
        let mut table = Lines::<Entry>::default();
        let mut model = BTreeMap::<Key, u32>::new();
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                Step::Insert(key) if !model.contains_key(&key) => {
                    table.insert(key.0, Box::new((key, number)), hash_of);
                    model.insert(key, number);
                }
                Step::Insert(key) | Step::Replace(key) => {
                    let there = table.find_mut(key.0, is(key));
                    prop_assert_eq!(there.is_some(), model.contains_key(&key));
                    if let Some(there) = there {
                        there.1 = number;
                        model.insert(key, number);
                    }
                }
                Step::Take(key) => {
                    let taken = table.take(key.0, is(key)).map(|entry| entry.1);
                    prop_assert_eq!(taken, model.remove(&key));
                }
                Step::Reserve(more) => table.reserve(more, hash_of),
            }
            let counted: Vec<u8> = table.lines.iter().map(Line::passed).collect();
            prop_assert_eq!(counted, passed(&table));
        }
        prop_assert_eq!(table.len, model.len());
        let all: BTreeMap<Key, u32> = table.iter().map(|entry| **entry).collect();
        prop_assert_eq!(&all, &model);
        for (key, number) in model {
            let found = table.find(key.0, is(key)).map(|entry| entry.1);
            prop_assert_eq!(found, Some(number));
        }
    }
}

/// More than can be counted have passed a line: it goes on to be passed.
#[test]
fn lines_that_too_many_have_passed_are_still_passed() {
    let mut table = Lines::<Entry>::default();
    let all =
        (0..=u8::MAX).flat_map(|high| [(u64::from(high) << 56, 0), (u64::from(high) << 56, 1)]);
    let all: Vec<Key> = all.collect();
    for key in &all {
        table.insert(key.0, Box::new((*key, 0)), hash_of);
    }
    let counted = |table: &Lines<Entry>| table.lines.iter().map(Line::passed).collect::<Vec<u8>>();
    assert_eq!(counted(&table), passed(&table));
    assert!(counted(&table).contains(&UNCOUNTED));
    let (last, others) = all.split_last().unwrap();
    for key in others {
        assert!(table.take(key.0, is(*key)).is_some(), "{key:?}");
    }
    assert!(table.find(last.0, is(*last)).is_some());
    assert_eq!(table.len, 1);
    // A table that grows counts anew.
    table.reserve(table.lines.len() * MOST + 1, hash_of);
    assert_eq!(counted(&table), passed(&table));
    assert!(table.find(last.0, is(*last)).is_some());
}

#[test]
fn an_empty_table_has_nothing() {
    let mut table = Lines::<Entry>::default();
    table.fetch(7);
    assert!(table.find(7, |_| true).is_none());
    assert!(table.take(7, |_| true).is_none());
    assert_eq!(table.iter().count(), 0);
}

#[test]
fn seven_slots_fill_a_line_of_the_processors_cache() {
    assert_eq!(size_of::<Line<Slot>>(), 64);
}
