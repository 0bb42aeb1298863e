//! What is tried, and how hard.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Parser;

/// Breaks what rollcall lives among, and holds it to what it promises.
#[derive(Clone, Debug, Parser)]
#[command(name = "rollcall-chaos", version)]
pub struct Options {
    /// How long there are phones and faults
    #[arg(long, default_value_t = 600)]
    pub seconds: u64,
    /// How many faults
    #[arg(long, default_value_t = 60)]
    pub faults: u32,
    /// What everything is drawn from; the time of day if not given
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many phones
    #[arg(long, default_value_t = 400)]
    pub phones: u32,
    /// How much they do, all together, a second
    #[arg(long, default_value_t = 40)]
    pub rate: u32,
    /// Only these kinds of faults, by name, with commas between
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// With a real Kamailio and real phones, and the few faults that leave it alive
    #[arg(long)]
    pub kamailio: bool,
    /// The rollcall to try; the one beside this program if not given
    #[arg(long)]
    pub rollcall: Option<PathBuf>,
    /// Where rollcall's logs are kept; a folder that goes when all is well if not given
    #[arg(long)]
    pub logs: Option<PathBuf>,
}

impl Options {
    /// The program to try.
    pub fn program(&self) -> anyhow::Result<PathBuf> {
        let program = match &self.rollcall {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("rollcall"),
        };
        program
            .canonicalize()
            .with_context(|| format!("no rollcall at {}", program.display()))
    }

    /// How long there are phones and faults.
    pub fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
