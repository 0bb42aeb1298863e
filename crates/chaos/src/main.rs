//! `rollcall-chaos`: trials of rollcall.

use std::process::ExitCode;

use chaos::{flood, options::Options, slow, soak, trial};
use clap::{Parser, Subcommand};

/// Breaks what rollcall lives among, and holds it to what it promises; or tries it otherwise.
#[derive(Debug, Parser)]
#[command(
    name = "rollcall-chaos",
    version,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(flatten)]
    faults: Options,
    #[command(subcommand)]
    other: Option<Other>,
}

/// Trials that are not by faults.
#[derive(Debug, Subcommand)]
enum Other {
    Flood(flood::options::Options),
    Soak(soak::options::Options),
    SlowClients(slow::options::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let is_good = match &cli.other {
        None => trial::run(&cli.faults).await?.is_good(),
        Some(Other::Flood(options)) => flood::run(options).await?.is_good(),
        Some(Other::Soak(options)) => soak::run(options).await?.is_good(),
        Some(Other::SlowClients(options)) => slow::run(options).await?.is_good(),
    };
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
