//! Random numbers that can be had again: the same seed draws the same, on every machine.

use fastrand::Rng;

/// A stream of a seed; streams are independent of each other.
pub fn stream(seed: u64, stream: u64) -> Rng {
    let mut seeds = Rng::with_seed(seed);
    Rng::with_seed((0..stream).fold(seed, |_, _| seeds.u64(..)))
}

/// One of `choices`, each as often as its weight says.
pub fn weighted<T: Copy>(random: &mut Rng, choices: &[(u32, T)]) -> Option<T> {
    let sum: u32 = choices.iter().map(|(weight, _)| weight).sum();
    let mut left = random.u32(..sum.max(1));
    choices.iter().find_map(|(weight, choice)| {
        let here = left < *weight;
        left = left.saturating_sub(*weight);
        here.then_some(*choice)
    })
}
