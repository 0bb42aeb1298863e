//! How much is measured.

use std::{path::PathBuf, time::Duration};

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Runs behind each figure.
    pub runs: usize,
    /// Registrations of a small table.
    pub small: u32,
    /// Registrations of a large table.
    pub large: u32,
    /// Registrations that end in the same second.
    pub due: u32,
    /// Phones whose messages wait in the queue.
    pub backlog: u32,
    /// How long a server answers before it is the other's turn.
    pub turn: Duration,
    /// The rollcall to measure.
    pub rollcall: PathBuf,
}
