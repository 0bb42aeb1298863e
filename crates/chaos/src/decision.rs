//! What phones do next. Drawn from the seed alone, whatever state the phone is in.

use fastrand::Rng;

use crate::random::{stream, weighted};

const STREAM: u64 = 2;

/// What a phone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Registers as it did before, or comes back.
    Refresh,
    /// The same, for so short that it expires in silence unless it refreshes in time.
    RefreshShortly,
    /// Registers with another contact where it is.
    ChangeContact,
    /// Registers with another proxy, and leaves the former one in silence.
    Move,
    /// Registers with another proxy, then unregisters from the former one.
    MoveAndUnregister,
    /// Unregisters.
    Unregister,
    /// Is gone, and nobody is told.
    Vanish,
    /// Unregisters and registers within a moment.
    Restart,
    /// Registers and unregisters within a moment.
    Blink,
}

const WEIGHTS: [(u32, Act); 9] = [
    (50, Act::Refresh),
    (7, Act::RefreshShortly),
    (9, Act::ChangeContact),
    (5, Act::Move),
    (5, Act::MoveAndUnregister),
    (10, Act::Unregister),
    (5, Act::Vanish),
    (5, Act::Restart),
    (4, Act::Blink),
];

/// A phone's next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Number of the phone.
    pub phone: u32,
    /// What it does.
    pub act: Act,
    /// How many proxies further it goes, if it goes.
    pub step: u32,
    /// Lifetime that it asks for unless that is to be short, in seconds.
    pub expires: u32,
    /// Lifetime that it asks for if that is to be short.
    pub short: u32,
}

/// All steps of all phones, without end.
#[derive(Clone, Debug)]
pub struct Decisions {
    random: Rng,
    phones: u32,
    proxies: u32,
}

impl Decisions {
    /// The steps of `phones` phones among `proxies` proxies.
    pub fn new(seed: u64, phones: u32, proxies: u32) -> Self {
        Self {
            random: stream(seed, STREAM),
            phones,
            proxies,
        }
    }
}

impl Iterator for Decisions {
    type Item = Decision;

    fn next(&mut self) -> Option<Decision> {
        Some(Decision {
            phone: self.random.u32(..self.phones.max(1)),
            act: weighted(&mut self.random, &WEIGHTS)?,
            step: self.random.u32(1..self.proxies.max(2)),
            expires: self.random.u32(600..1800),
            short: self.random.u32(15..30),
        })
    }
}
