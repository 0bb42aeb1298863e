//! What the command line asks and orders of a running service, and what needs none.

mod act;
mod check;
mod client;
mod exit;
mod healthcheck;
mod list;
mod output;
mod pages;
mod status;
mod table;
mod watch;

pub use exit::{Code, Failure, code};
pub use healthcheck::healthcheck;

use crate::cli::Command;

/// Carries a command out that is neither `serve` nor `demo`.
pub async fn run(command: Command) -> anyhow::Result<()> {
    let done = match command {
        Command::Serve { .. } | Command::Demo { .. } | Command::Healthcheck { .. } => Ok(()),
        Command::Summary {
            realm,
            format,
            service,
        } => list::summary(&service, realm.as_deref(), &format).await,
        Command::Details { of, json, service } => list::details(&service, &of, json).await,
        Command::Count { realm, service } => list::count(&service, realm.as_deref()).await,
        Command::Flush {
            of,
            yes,
            force,
            service,
        } => act::flush(&service, &of, yes, force).await,
        Command::Sync { service } => act::sync(&service).await,
        Command::Watch {
            realm,
            json,
            service,
        } => watch::watch(&service, realm.as_deref(), json).await,
        Command::Status { json, service } => status::status(&service, json).await,
        Command::CheckConfig { file } => check::check(&file),
        Command::Openapi => pages::openapi(),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { folder } => pages::man(folder.as_deref()),
    };
    match done {
        // Whoever reads has had enough.
        Err(error) if output::is_closed(&error) => Ok(()),
        done => done,
    }
}
