//! How much is poured.

use std::path::PathBuf;

use clap::Args;

/// Pours garbage into rollcall by AMQP and HTTP, and good events between it
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How many message bodies
    #[arg(long, default_value_t = 2_000_000)]
    pub bodies: u64,
    /// How many HTTP requests
    #[arg(long, default_value_t = 200_000)]
    pub requests: u64,
    /// What everything is drawn from; the time of day if not given
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many good phones there are; the table has room for a quarter more
    #[arg(long, default_value_t = 5_000)]
    pub phones: u32,
    /// Seconds of the same flood before anything is counted; with 0 memory is not judged. Longer
    /// than a minute, for which ended AORs and bad tokens are remembered
    #[arg(long, default_value_t = 120)]
    pub warm_up: u64,
    /// How many HTTP connections ask at a time
    #[arg(long, default_value_t = 8)]
    pub clients: u64,
    /// Where the messages are that the garbage is made from
    #[arg(long, default_value = "fixtures")]
    pub fixtures: PathBuf,
    /// The rollcall to try; the one beside this program if not given
    #[arg(long)]
    pub rollcall: Option<PathBuf>,
}
