//! The `rollcall` program.

use std::process::ExitCode;

use clap::Parser as _;
use rollcall::{
    cli::{Cli, Command},
    control,
};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match try_main(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            control::code(&error).into()
        }
    }
}

#[expect(clippy::print_stderr, reason = "there may be no log to say it in")]
fn report(error: &anyhow::Error) {
    eprintln!("rollcall: {error:#}");
}

#[tokio::main]
async fn try_main(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve { config } => rollcall::serve::run(config.as_deref()).await,
        Command::Healthcheck { config, ready } => {
            control::healthcheck(config.as_deref(), ready).await
        }
        Command::Demo { port, phones } => rollcall::demo::run(port, phones).await,
        other => control::run(other).await,
    }
}
