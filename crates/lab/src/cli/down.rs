//! `down` and `status`.

use std::{
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::ensure;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::state::{State, directory};

/// How long the stack may take to end all its parts.
const PATIENCE: Duration = Duration::from_mins(1);

/// Ends the stack: the process that holds it ends every part before itself.
#[expect(clippy::print_stdout, reason = "a command's answer")]
pub(crate) fn down() -> anyhow::Result<ExitCode> {
    if let Some(state) = State::running() {
        kill(Pid::from_raw(i32::try_from(state.pid)?), Signal::SIGTERM)?;
        let deadline = Instant::now() + PATIENCE;
        while state.is_running() {
            ensure!(
                Instant::now() < deadline,
                "the stack (process {}) does not end",
                state.pid
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        println!("the lab is down");
    } else {
        println!("the lab is not up");
    }
    if directory().exists() {
        fs::remove_dir_all(directory())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what runs.
#[expect(clippy::print_stdout, reason = "a command's answer")]
pub(crate) fn status() -> ExitCode {
    if let Some(state) = State::running() {
        println!("{}", state.how_to);
        ExitCode::SUCCESS
    } else {
        println!("the lab is not up");
        ExitCode::FAILURE
    }
}
