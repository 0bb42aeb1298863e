//! What is measured, and how thoroughly.

use std::path::PathBuf;

use clap::Parser;

use crate::child::Child;

/// Measures rollcall against what it could be at best, side by side in one run
#[derive(Debug, Parser)]
#[command(name = "rollcall-bench", version)]
pub struct Options {
    /// Only these groups of rows, with commas between: ingest, memory, flush, expiry, snapshot,
    /// start, http, broker
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Runs behind each figure; 5, or 1 with --quick
    #[arg(long)]
    pub runs: Option<usize>,
    /// Small tables and one run: shows that it works, not how fast
    #[arg(long)]
    pub quick: bool,
    /// End with 1 if a row is not within its bound
    #[arg(long)]
    pub check: bool,
    /// Where the results go
    #[arg(long, default_value = "target/bench")]
    pub out: PathBuf,
    /// The rollcall to measure; the one beside this program if not given
    #[arg(long)]
    pub rollcall: Option<PathBuf>,
    /// What this program does in a process of its own
    #[command(subcommand)]
    pub child: Option<Child>,
}

/// Groups of rows, in the order they are measured.
pub const GROUPS: [&str; 8] = [
    "ingest", "memory", "flush", "expiry", "snapshot", "start", "http", "broker",
];

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Runs behind each figure.
    pub runs: usize,
    /// A small table, a middling and a large one.
    pub sizes: [u32; 3],
    /// Registrations that fall due at once.
    pub due: u32,
    /// Messages that wait in the queue.
    pub backlog: u32,
    /// How many times in a run either side is asked for a second.
    pub turns: u32,
    /// The rollcall to measure.
    pub rollcall: PathBuf,
}

impl Options {
    /// How much is measured.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let beside = std::env::current_exe()?.with_file_name("rollcall");
        let rollcall = self.rollcall.clone().unwrap_or(beside);
        Ok(if self.quick {
            Plan {
                runs: self.runs.unwrap_or(1).max(1),
                sizes: [2_000, 5_000, 20_000],
                due: 2_000,
                backlog: 20_000,
                turns: 1,
                rollcall,
            }
        } else {
            Plan {
                runs: self.runs.unwrap_or(5).max(1),
                sizes: [10_000, 100_000, 1_000_000],
                due: 100_000,
                backlog: 200_000,
                turns: 3,
                rollcall,
            }
        })
    }

    /// Groups of rows that are wanted, in order.
    pub fn groups(&self) -> anyhow::Result<Vec<&'static str>> {
        for name in &self.only {
            anyhow::ensure!(
                GROUPS.contains(&&**name),
                "--only {name}: there is no such group; there are {}",
                GROUPS.join(", ")
            );
        }
        let wanted = |name: &&str| self.only.is_empty() || self.only.iter().any(|w| w == name);
        Ok(GROUPS.into_iter().filter(wanted).collect())
    }
}
