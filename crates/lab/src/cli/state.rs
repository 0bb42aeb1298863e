//! What `up` has left on disk for `down`: which process to end, told from any other that may have
//! got its number since.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The stack's record in `.lab/state.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// The process that holds the stack.
    pub(crate) pid: u32,
    /// When it started, in clock ticks since boot (proc(5)).
    pub(crate) started: u64,
    /// What to tell who started it.
    pub(crate) how_to: String,
}

/// The lab's directory, under the one it is run in.
pub(crate) fn directory() -> PathBuf {
    PathBuf::from(".lab")
}

fn file() -> PathBuf {
    directory().join("state.json")
}

impl State {
    pub(crate) fn of_this_process(how_to: String) -> anyhow::Result<Self> {
        let pid = std::process::id();
        let started = start_time(pid).context("/proc does not know this process")?;
        Ok(Self {
            pid,
            started,
            how_to,
        })
    }

    pub(crate) fn save(&self) -> anyhow::Result<()> {
        fs::write(file(), serde_json::to_vec_pretty(self)?).context("cannot write .lab/state.json")
    }

    /// The stack that runs, if one does.
    pub(crate) fn running() -> Option<Self> {
        let state: Self = serde_json::from_slice(&fs::read(file()).ok()?).ok()?;
        state.is_running().then_some(state)
    }

    pub(crate) fn is_running(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

/// Field 22 of `/proc/PID/stat`, counted after the name, which may hold anything.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    if fields.next() == Some("Z") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}
