//! How much goes on, and for how long.

use std::path::PathBuf;

use clap::Args;

/// Keeps many phones busy for long, and sees that memory stays flat and that who is gone is gone in time
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// For how long
    #[arg(long, default_value_t = 1800)]
    pub seconds: u64,
    /// Events a second
    #[arg(long, default_value_t = 5000)]
    pub rate: u32,
    /// How many phones there are
    #[arg(long, default_value_t = 200_000)]
    pub aors: u32,
    /// Short registrations a second whose end is watched
    #[arg(long, default_value_t = 5)]
    pub visitors: u32,
    /// Seconds of the same before anything is measured. Longer than a minute, for which ended AORs
    /// are remembered, and so long that nearly every phone has been heard again: one in a hundred
    /// has not after three minutes, at 40 s from one refresh to the next
    #[arg(long, default_value_t = 180)]
    pub warm_up: u64,
    /// What everything is drawn from; the time of day if not given
    #[arg(long)]
    pub seed: Option<u64>,
    /// The rollcall to try; the one beside this program if not given
    #[arg(long)]
    pub rollcall: Option<PathBuf>,
}
