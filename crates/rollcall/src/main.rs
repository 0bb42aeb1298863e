//! The `rollcall` program.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
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
    let done = match cli.command {
        Command::Serve { config } => return rollcall::serve::run(config.as_deref()).await,
        Command::Demo { port, phones } => return rollcall::demo::run(port, phones).await,
        Command::Healthcheck(args) => args.run().await,
        Command::Summary(args) => args.run().await,
        Command::Details(args) => args.run().await,
        Command::Count(args) => args.run().await,
        Command::Flush(args) => args.run().await,
        Command::Sync(args) => args.run().await,
        Command::Watch(args) => args.run().await,
        Command::Status(args) => args.run().await,
        Command::CheckConfig(args) => args.run(),
        Command::Openapi => control::openapi(),
        Command::Completions { shell } => control::completions(Cli::command(), shell),
        Command::Man(args) => args.run(Cli::command()),
    };
    match done {
        // The reader of standard output is gone.
        Err(error) if control::is_closed(&error) => Ok(()),
        done => done,
    }
}
