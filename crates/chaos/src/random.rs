//! Chance that can be had again: the same seed throws the same, on every machine.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};

/// A stream of throws.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The `stream`th stream of a seed; streams know nothing of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let wide = u64::from(self.0.next_u32()) * u64::from(bound);
        u32::try_from(wide >> 32).unwrap_or_default()
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// Where in something of this length; 0 if that is empty.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(u32::try_from(length).unwrap_or(u32::MAX)) as usize
    }

    /// One of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.index(choices.len()))
    }

    /// One of `choices`, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> Option<T> {
        let sum = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(sum);
        for (weight, choice) in choices {
            if left < *weight {
                return Some(*choice);
            }
            left -= weight;
        }
        None
    }

    /// Puts `items` in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for (at, bound) in (0..items.len()).rev().zip((1..=items.len()).rev()) {
            let other = self.below(u32::try_from(bound).unwrap_or(u32::MAX));
            items.swap(at, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_and_another_does_not() {
        let throw = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(throw(1, 0), throw(1, 0));
        assert_ne!(throw(1, 0), throw(2, 0));
        assert_ne!(throw(1, 0), throw(1, 1));
    }

    #[test]
    fn throws_are_within_bounds_and_reach_them() {
        let mut dice = Dice::new(7, 0);
        let throws: Vec<_> = (0..1000).map(|_| dice.below(6)).collect();
        assert_eq!(throws.iter().max(), Some(&5));
        assert_eq!(throws.iter().min(), Some(&0));
        assert_eq!(dice.weighted(&[(0, 'a'), (3, 'b')]), Some('b'));
        assert_eq!(dice.pick::<u8>(&[]), None);
        let mut items = [1, 2, 3, 4, 5, 6, 7, 8];
        dice.shuffle(&mut items);
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
