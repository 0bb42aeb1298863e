//! The largest of many counts.

use std::{cmp::Reverse, collections::BinaryHeap};

/// The `most` largest counts, largest first, equal ones by key. One pass, without sorting the others:
/// a lock may be held meanwhile.
pub(super) fn largest<K: Ord>(
    counts: impl Iterator<Item = (K, i64)>,
    most: usize,
) -> impl Iterator<Item = (K, i64)> {
    let mut heap = BinaryHeap::with_capacity(most + 1);
    for (key, count) in counts {
        // The heap's top is the least of those that are kept.
        let item = (Reverse(count), key);
        if heap.len() < most || heap.peek().is_some_and(|least| item < *least) {
            heap.push(item);
        }
        if heap.len() > most {
            heap.pop();
        }
    }
    let sorted = heap.into_sorted_vec().into_iter();
    sorted.map(|(Reverse(count), key)| (key, count))
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, cmp::Ordering};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_if_all_were_sorted(counts in prop::collection::vec(0..20_i64, 0..100), most in 0..20_usize) {
            let mut all: Vec<(usize, i64)> = counts.into_iter().enumerate().collect();
            let found: Vec<_> = largest(all.iter().copied(), most).collect();
            all.sort_by_key(|(key, count)| (Reverse(*count), *key));
            all.truncate(most);
            prop_assert_eq!(found, all);
        }
    }

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(PartialEq, Eq)]
    struct Counting(u64);

    impl PartialOrd for Counting {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Counting {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARED.set(COMPARED.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    #[test]
    fn the_others_are_not_sorted() {
        let counts = (0..50_000_u64).map(|key| (Counting(key.wrapping_mul(7_919) % 50_000), 1));
        assert_eq!(largest(counts, 50).count(), 50);
        let compared = COMPARED.get();
        // To sort them takes over ten comparisons for each.
        assert!(compared < 100_000, "{compared}");
    }
}
