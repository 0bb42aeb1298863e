//! Counts by name, for a bounded number of names.

use std::collections::HashMap;

/// How many there are of each name. Changes of two threads may be told in another order than they
/// were made in, so that a count may be below nothing for a moment.
pub(super) struct Tally {
    counts: HashMap<Box<str>, i64>,
    limit: usize,
    /// Of names that came when there was no room for more.
    other: i64,
}

/// A name and how many there are of it
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Share {
    pub(super) name: String,
    pub(super) count: u64,
}

impl Tally {
    /// One of at most `limit` names; what comes beyond is counted together.
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
            // It came when there was no room, most likely.
            self.other += by;
        } else if self.counts.len() < self.limit {
            self.counts.insert(name.into(), by);
        } else {
            self.other += by;
        }
    }

    /// The `most` largest, largest first, and how many all others are together.
    pub(super) fn largest(&self, most: usize) -> (Vec<Share>, u64) {
        let each = self.counts.iter().map(|(name, count)| Share {
            name: name.to_string(),
            count: at_least_none(*count),
        });
        let mut all: Vec<_> = each.filter(|share| share.count > 0).collect();
        all.sort_unstable_by(|one, other| {
            other.count.cmp(&one.count).then(one.name.cmp(&other.name))
        });
        let rest = all.iter().skip(most).map(|share| share.count).sum::<u64>();
        all.truncate(most);
        (all, rest + at_least_none(self.other))
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
