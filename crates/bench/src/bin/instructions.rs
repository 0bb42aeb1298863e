//! `rollcall-instructions`: how many instructions the hot paths take, against what is committed.
//!
//! A program of its own, with the system's allocator: how many instructions jemalloc takes depends
//! on what its pages look like, and differs by 5 % from one process to the next.

use std::{path::PathBuf, process::ExitCode};

use bench::instructions;
use clap::Parser;

/// Counts the instructions of the hot paths and compares them with the baseline
#[derive(Debug, Parser)]
#[command(name = "rollcall-instructions", version)]
struct Options {
    /// Make what is counted now the baseline
    #[arg(long)]
    update: bool,
    /// The baseline
    #[arg(long, default_value = "crates/bench/instructions.txt")]
    baseline: PathBuf,
    /// Run one hot path, for its instructions to be counted
    #[arg(long, hide = true)]
    case: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let good = match options.case {
        Some(name) => {
            instructions::child(&name)?;
            true
        }
        None => instructions::run(&options.baseline, options.update)?,
    };
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
