//! A child process with all its own children, gone when dropped.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::secrets;
use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// How long a process may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// A running child, the leader of a process group of its own.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output going to `log`.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let output =
            File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        let child = command.spawn().with_context(|| {
            format!("cannot start {name}; scripts/packages installs what the lab needs")
        })?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Its process id, which is its group's too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed.
    pub fn output(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Sends a signal to it and all its children.
    pub fn signal(&self, signal: Signal) {
        // It may be gone already, which is as well.
        let _ = killpg(group(self.child.id()), signal);
    }

    /// Fails with what it printed if it has ended.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended by itself ({status}): {}",
                self.name,
                tail(&self.output())
            ),
        }
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!(
                    "{} has not ended within {} s: {}",
                    self.name,
                    patience.as_secs(),
                    tail(&self.output())
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, children included.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    /// Every test that has run a rollcall has searched its log for secrets.
    #[expect(clippy::panic, reason = "whatever the test was about, it has failed")]
    fn drop(&mut self) {
        self.signal(Signal::SIGTERM);
        let _ = self.wait(GRACE);
        self.kill();
        if self.name == "rollcall"
            && let Some(line) = secrets::shown(&self.output())
            && !std::thread::panicking()
        {
            panic!("a secret is in rollcall's log: {line}");
        }
    }
}

fn group(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX))
}

/// The end of an output, as much as fits an error.
pub fn tail(output: &str) -> String {
    let lines: Vec<_> = output.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(15))
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}
