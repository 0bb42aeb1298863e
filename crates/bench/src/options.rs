//! What is measured, and how thoroughly.

use std::{path::PathBuf, time::Duration};

use anyhow::ensure;
use clap::Parser;

use crate::{
    child::Child,
    groups::{GROUPS, Measure},
    plan::Plan,
};

/// Measures rollcall, each figure beside its bound
#[derive(Debug, Parser)]
#[command(name = "rollcall-bench", version)]
pub struct Options {
    /// Only these groups, with commas between: ingest, memory, flush, expiry, snapshot, http, broker
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Runs behind each figure; 7, or 1 with --quick
    #[arg(long)]
    pub runs: Option<usize>,
    /// Small tables, one run and no bounds: shows that it works, not how fast
    #[arg(long)]
    pub quick: bool,
    /// End with 1 if a row is not within its bound
    #[arg(long)]
    pub check: bool,
    /// The rollcall to measure; the one beside this program if not given
    #[arg(long)]
    pub rollcall: Option<PathBuf>,
    /// What this program does in a process of its own
    #[command(subcommand)]
    pub child: Option<Child>,
}

impl Options {
    /// How much is measured.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let rollcall = match &self.rollcall {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("rollcall"),
        };
        let runs = |default| self.runs.unwrap_or(default).max(1);
        Ok(if self.quick {
            Plan {
                runs: runs(1),
                small: 2_000,
                large: 5_000,
                due: 2_000,
                backlog: 20_000,
                turn: Duration::from_millis(100),
                rollcall,
            }
        } else {
            Plan {
                runs: runs(7),
                small: 10_000,
                large: 1_000_000,
                due: 100_000,
                backlog: 200_000,
                turn: Duration::from_secs(1),
                rollcall,
            }
        })
    }

    /// The groups that are wanted, in order.
    pub fn groups(&self) -> anyhow::Result<Vec<(&'static str, Measure)>> {
        let names = GROUPS.map(|(name, _)| name);
        for wanted in &self.only {
            ensure!(
                names.contains(&wanted.as_str()),
                "--only {wanted}: there is no such group; there are {}",
                names.join(", ")
            );
        }
        let wanted = |name: &str| self.only.is_empty() || self.only.iter().any(|w| w == name);
        Ok(GROUPS
            .into_iter()
            .filter(|(name, _)| wanted(name))
            .collect())
    }
}
