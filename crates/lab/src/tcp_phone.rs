//! A phone on TCP, whose connection can be cut.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::{
    phones::{AGENT, REGISTER, credentials},
    ports::free_sip,
    process::{Process, tail},
    subscribers::Subscriber,
    wait,
};

const PATIENCE: Duration = Duration::from_secs(15);
/// Where the scenario ends, and the file that then tells of it.
const END: &str = "</scenario>";
const BOUND: &str = "bound";

/// A phone that keeps its TCP connection to the proxy; it is cut off when dropped.
#[derive(Debug)]
pub struct TcpPhone {
    _home: TempDir,
    process: Process,
}

impl TcpPhone {
    /// Registers over TCP, for `expires` seconds; returns when it has its 200.
    pub async fn register(proxy: u16, user: &Subscriber, expires: u32) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        fs::write(home.path().join("hold.xml"), scenario()?)?;
        let users = credentials(std::slice::from_ref(user))?;
        fs::write(home.path().join("users.csv"), users)?;
        let port = free_sip()?.to_string();
        let mut command = Command::new("sipp");
        command
            .current_dir(home.path())
            .env("TERM", "dumb")
            .arg(format!("127.0.0.1:{proxy}"))
            .args(["-t", "t1", "-sf", "hold.xml", "-inf", "users.csv"])
            .args(["-i", "127.0.0.1", "-p", &port, "-m", "1"])
            .args(["-key", "expires", &expires.to_string()])
            .args(["-key", "contact_port", &port])
            .args(["-key", "agent", AGENT])
            .args(["-nostdin", "-trace_err", "-error_file", "errors"]);
        let process = Process::start("sipp", &mut command, &home.path().join("log"))?;
        let (bound, errors) = (home.path().join(BOUND), home.path().join("errors"));
        let mut phone = Self {
            _home: home,
            process,
        };
        let registered = wait::until("a phone on TCP to register", PATIENCE, async || {
            ensure!(bound.exists(), "it has no 200");
            Ok(())
        })
        .await;
        phone.process.check_alive()?;
        registered.with_context(|| tail(&fs::read_to_string(errors).unwrap_or_default()))?;
        Ok(phone)
    }

    /// Cuts its connection, without a word to the proxy.
    pub fn cut_off(mut self) {
        self.process.kill();
    }
}

impl Drop for TcpPhone {
    fn drop(&mut self) {
        // Asked to end, SIPp would first wait for its call.
        self.process.kill();
    }
}

/// The scenario of every phone, which then does nothing more for a day.
fn scenario() -> anyhow::Result<String> {
    let start = REGISTER.trim_end().strip_suffix(END);
    let start = start.context("the scenario has no end")?;
    Ok(format!(
        "{start}  <nop><action><exec command=\"touch {BOUND}\"/></action></nop>\n  \
         <pause milliseconds=\"86400000\"/>\n{END}\n"
    ))
}
