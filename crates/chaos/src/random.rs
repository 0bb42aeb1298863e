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

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Duration};

    use crate::{decision::Decisions, fault::Kind, schedule::schedule};

    const LENGTH: Duration = Duration::from_mins(10);

    #[test]
    fn the_same_seed_draws_the_same_trial() {
        let draw = |seed| {
            let plan = schedule(seed, LENGTH, 60, &Kind::ALL);
            let decisions: Vec<_> = Decisions::new(seed, 400, 3).take(500).collect();
            (plan, decisions)
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }

    #[test]
    fn every_fault_comes_about_as_often_and_every_act_occurs() {
        let plan = schedule(9, LENGTH, 60, &Kind::ALL);
        let mut counts: HashMap<Kind, u32> = HashMap::new();
        for fault in &plan {
            *counts.entry(fault.kind).or_default() += 1;
        }
        assert_eq!(counts.len(), Kind::ALL.len());
        assert!(counts.values().all(|count| (4..=5).contains(count)));
        let acts = Decisions::new(5, 40, 3).take(2000).map(|d| d.act);
        assert_eq!(acts.collect::<std::collections::HashSet<_>>().len(), 9);
    }
}
