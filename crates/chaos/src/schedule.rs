//! When what is broken, and for how long.

use std::time::Duration;

use crate::{fault::Kind, random::stream};

/// Before the first fault, for the phones to have registered.
const CALM: Duration = Duration::from_secs(5);
const STREAM: u64 = 1;

/// A fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When, from the start of the traffic.
    pub at: Duration,
    /// What.
    pub kind: Kind,
    /// How long it lasts.
    pub lasting: Duration,
    /// For what the fault itself has to choose.
    pub roll: u32,
}

/// `count` faults over `length`, evenly; each kind about as often as any other of `kinds`.
pub fn schedule(seed: u64, length: Duration, count: u32, kinds: &[Kind]) -> Vec<Planned> {
    let mut random = stream(seed, STREAM);
    let step = length.saturating_sub(CALM) / count.max(1);
    let mut deck: Vec<Kind> = Vec::new();
    let mut planned = Vec::new();
    for number in 0..count {
        if deck.is_empty() {
            deck = kinds.to_vec();
            random.shuffle(&mut deck);
        }
        let Some(kind) = deck.pop() else { break };
        let millis = random.u32(kind.lasting());
        planned.push(Planned {
            at: CALM + step * number,
            kind,
            lasting: Duration::from_millis(millis.into()),
            roll: random.u32(..),
        });
    }
    planned
}
