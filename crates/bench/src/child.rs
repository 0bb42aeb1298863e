//! What is measured in a process of its own: this program, called anew.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{self, Command, Stdio},
};

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use serde::de::DeserializeOwned;

use crate::{bare, memory, server};

/// What to do in a process of its own.
#[derive(Debug, Subcommand)]
pub enum Child {
    /// Fills a table and says what it takes
    #[command(hide = true)]
    Memory {
        /// Phones
        phones: u32,
        /// Phones of an account
        per_account: u32,
        /// Keeps the events as they came instead
        #[arg(long)]
        bare: bool,
    },
    /// Serves a table over HTTP
    #[command(hide = true)]
    Serve {
        /// Phones
        phones: u32,
    },
    /// Serves what another server answers, from memory
    #[command(hide = true)]
    Bytes {
        /// The other server's port
        port: u16,
        /// A file with the paths
        paths: PathBuf,
    },
    /// Consumes a queue and does nothing else
    #[command(hide = true)]
    Bare {
        /// The broker
        uri: String,
        /// The queue
        queue: String,
        /// How many deliveries may be unacknowledged
        prefetch: u16,
    },
}

impl Child {
    /// Does it.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Memory {
                phones,
                per_account,
                bare,
            } => memory::child(phones, per_account, bare),
            Self::Serve { phones } => server::serve(phones),
            Self::Bytes { port, paths } => server::serve_bytes(port, &paths),
            Self::Bare {
                uri,
                queue,
                prefetch,
            } => {
                end_with_caller();
                bare::consume(&uri, &queue, prefetch)
            }
        }
    }
}

/// Runs this program anew and reads what it prints, as JSON.
pub fn ask<T: DeserializeOwned>(arguments: &[&str]) -> anyhow::Result<T> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).args(arguments).output()?;
    ensure!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("{arguments:?}"))
}

/// Ends this process when who has called it has ended, however that was.
fn end_with_caller() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        process::exit(0);
    });
}

/// Says something to who has called.
#[expect(clippy::print_stdout, reason = "it is read there")]
pub fn say(value: &serde_json::Value) {
    println!("{value}");
}

/// This program in another process, doing something until this is dropped.
#[derive(Debug)]
pub struct Server {
    process: process::Child,
    /// Where it listens, if it does.
    pub port: u16,
}

#[derive(serde::Deserialize)]
struct Started {
    port: u16,
}

impl Server {
    /// Starts it; returns when it has said that it does what it is to do.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Where a program under systemd logs to costs its own process nothing more.
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        if let Some(said) = &mut process.stdout {
            BufReader::new(said).read_line(&mut line)?;
        }
        let mut server = Self { process, port: 0 };
        let started: Started =
            serde_json::from_str(&line).with_context(|| format!("{arguments:?} did not start"))?;
        server.port = started.port;
        Ok(server)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
