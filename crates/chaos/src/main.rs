//! `rollcall-chaos`: a trial of rollcall by faults.

use std::process::ExitCode;

use chaos::{options::Options, trial};
use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let verdict = trial::run(&Options::parse()).await?;
    Ok(if verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
