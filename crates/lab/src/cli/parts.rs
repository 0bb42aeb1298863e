//! Single parts as programs.

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use lab::{
    broker::{Broker, SHARED},
    directory::Directory,
    phones::Phones,
};

use tokio::signal::unix::{SignalKind, signal};

use super::stack::{EXPIRES, REFRESH, subscribers};

/// How long to wait before the next attempt to reach a part that is not there yet.
const RETRY: Duration = Duration::from_secs(2);

/// Answers the proxies' questions, through whatever happens to the broker.
pub(crate) async fn directory(amqp: &str) -> anyhow::Result<ExitCode> {
    loop {
        match Directory::start(amqp, &subscribers()).await {
            Ok(mut directory) => directory.ended().await,
            Err(error) => tracing::warn!(%error, "no broker yet"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Keeps phones registered.
pub(crate) async fn phones(proxy: u16) -> anyhow::Result<ExitCode> {
    let phones = Phones::new()?;
    loop {
        match phones.register(proxy, &subscribers(), EXPIRES).await {
            Ok(()) => tokio::time::sleep(REFRESH).await,
            Err(error) => {
                tracing::warn!(%error, "not every phone is registered");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Runs a command with a broker whose ports it finds in its environment.
pub(crate) async fn broker(command: &[String]) -> anyhow::Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command")?;
    let broker = Broker::start().await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .env(SHARED, broker.shared())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    // A signal must not leave the broker behind: it ends with this function.
    let status = tokio::select! {
        status = child.wait() => status?,
        _ = terminate.recv() => return Ok(ExitCode::FAILURE),
        _ = interrupt.recv() => return Ok(ExitCode::FAILURE),
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
