//! Limits how often the same line is logged.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Admits one line of each kind per period, and counts the others.
pub(crate) struct LogLimit {
    period: Duration,
    last: HashMap<&'static str, (Instant, u64)>,
}

impl LogLimit {
    pub(crate) fn new(period: Duration) -> Self {
        Self {
            period,
            last: HashMap::new(),
        }
    }

    /// `Some(n)` if it may be logged now; `n` lines were held back since the last one.
    pub(crate) fn admit(&mut self, key: &'static str, now: Instant) -> Option<u64> {
        match self.last.get_mut(key) {
            Some((last, held_back)) if now.duration_since(*last) < self.period => {
                *held_back += 1;
                None
            }
            Some(entry) => Some(std::mem::replace(entry, (now, 0)).1),
            None => {
                self.last.insert(key, (now, 0));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_per_period_and_key() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut limit = LogLimit::new(Duration::from_secs(10));
        assert_eq!(limit.admit("a", at(0)), Some(0));
        assert_eq!(limit.admit("a", at(1)), None);
        assert_eq!(limit.admit("b", at(1)), Some(0));
        assert_eq!(limit.admit("a", at(9)), None);
        assert_eq!(limit.admit("a", at(10)), Some(2));
        assert_eq!(limit.admit("a", at(25)), Some(0));
    }
}
