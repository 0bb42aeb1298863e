//! How many are slow, and for how long.

use std::path::PathBuf;

use clap::Args;

/// Holds rollcall up with clients that send and read a byte a second, and sees whether others notice
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Slow clients: one half sends a byte a second, the other reads one
    #[arg(long, default_value_t = 5000)]
    pub clients: u32,
    /// Idle readers of server-sent events
    #[arg(long, default_value_t = 1000)]
    pub readers: u32,
    /// Pairs of phases, without them and with them
    #[arg(long, default_value_t = 4)]
    pub pairs: u32,
    /// Seconds of each phase
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Other requests a second, at fixed intervals
    #[arg(long, default_value_t = 200)]
    pub rate: u32,
    /// The rollcall to try; the one beside this program if not given
    #[arg(long)]
    pub rollcall: Option<PathBuf>,
}
