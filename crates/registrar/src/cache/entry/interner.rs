//! Values that many entries share, each held once.

use std::{hash::Hash, sync::Arc};

use dashmap::DashMap;
use foldhash::quality::RandomState;

/// Interns values until the last `Arc` outside is dropped.
pub(crate) struct Interner<T>(DashMap<Arc<T>, (), RandomState>);

impl<T: Eq + Hash> Default for Interner<T> {
    fn default() -> Self {
        Self(DashMap::default())
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// The shared value that equals `value`.
    pub(crate) fn intern(&self, value: T) -> Arc<T> {
        if let Some(known) = self.0.get(&value) {
            return Arc::clone(known.key());
        }
        let entry = self.0.entry(Arc::new(value)).or_insert(());
        Arc::clone(entry.key())
    }

    /// Forgets the values that no entry shares any longer.
    pub(crate) fn sweep(&self) {
        self.0.retain(|value, ()| Arc::strong_count(value) > 1);
        if self.0.capacity() > 1024 && self.0.len() < self.0.capacity() / 4 {
            self.0.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_until_the_last_is_dropped() {
        let interner = Interner::default();
        let one = interner.intern("a".to_owned());
        let same = interner.intern("a".to_owned());
        let other = interner.intern("b".to_owned());
        assert!(Arc::ptr_eq(&one, &same));
        assert!(!Arc::ptr_eq(&one, &other));
        drop((one, other));
        interner.sweep();
        assert_eq!(interner.0.len(), 1);
        drop(same);
        interner.sweep();
        assert!(interner.0.is_empty());
    }
}
