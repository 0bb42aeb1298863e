//! Counts by name, for a bounded number of names.

use std::collections::HashMap;

use super::largest::largest;

/// A count by name. Two threads may report their changes in another order than they made them, so that
/// a count may be below zero for a moment.
pub(super) struct Tally {
    counts: HashMap<Box<str>, i64>,
    limit: usize,
    /// The sum of names beyond the limit.
    other: i64,
}

/// A name and how many there are of it
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Share {
    pub(super) name: String,
    pub(super) count: u64,
}

impl Tally {
    /// Counts at most `limit` names; the others are counted together.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            counts: HashMap::new(),
            limit,
            other: 0,
        }
    }

    /// Counts one more or one less.
    pub(super) fn add(&mut self, name: &str, by: i64) {
        if let Some(count) = self.counts.get_mut(name) {
            *count += by;
            if *count == 0 {
                self.counts.remove(name);
            }
        } else if by < 0 && self.other > 0 {
            // It was counted with the others, most likely.
            self.other += by;
        } else if self.counts.len() < self.limit {
            self.counts.insert(name.into(), by);
        } else {
            self.other += by;
        }
    }

    /// The `most` largest, largest first, and how many all others are together.
    pub(super) fn largest(&self, most: usize) -> (Vec<Share>, u64) {
        let counts = self.counts.iter().map(|(name, count)| (&**name, *count));
        let positive = counts.filter(|(_, count)| *count > 0);
        let all: i64 = positive.clone().map(|(_, count)| count).sum();
        let shown: Vec<_> = largest(positive, most)
            .map(|(name, count)| Share {
                name: name.to_owned(),
                count: at_least_none(count),
            })
            .collect();
        let shown_sum: u64 = shown.iter().map(|share| share.count).sum();
        let rest = at_least_none(all).saturating_sub(shown_sum);
        (shown, rest + at_least_none(self.other))
    }
}

/// A count as it is shown.
pub(super) fn at_least_none(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted_together() {
        let mut tally = Tally::new(2);
        for name in ["a", "b", "b", "c", "c", "c"] {
            tally.add(name, 1);
        }
        let share = |name: &str, count| Share {
            name: name.into(),
            count,
        };
        assert_eq!(tally.largest(5), (vec![share("b", 2), share("a", 1)], 3));
        assert_eq!(tally.largest(1), (vec![share("b", 2)], 4));
        for name in ["a", "b", "b", "c", "c", "c"] {
            tally.add(name, -1);
        }
        assert_eq!(tally.largest(5), (vec![], 0));
    }

    #[test]
    fn the_order_does_not_matter() {
        let mut tally = Tally::new(2);
        tally.add("a", -1);
        assert_eq!(tally.largest(5), (vec![], 0));
        tally.add("a", 1);
        assert_eq!(tally.largest(5), (vec![], 0));
    }
}
