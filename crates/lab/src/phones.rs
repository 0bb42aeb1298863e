//! Phones: real REGISTERs by SIPp, with digest.

use std::{fmt::Write as _, fs, process::Command, time::Duration};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::{
    ports::free_sip,
    process::{Process, tail},
    subscribers::Subscriber,
};

pub(crate) const REGISTER: &str = include_str!("../sipp/register.xml");
const QUERY: &str = include_str!("../sipp/query.xml");
const FLICKER: &str = include_str!("../sipp/flicker.xml");
/// What phones call themselves unless told.
pub(crate) const AGENT: &str = "labphone/1.0";
/// How long the phones may take, beyond the time that their rate asks for.
const PATIENCE: u32 = 30;

/// Phones behind one address, each with a contact of its own username there.
#[derive(Debug)]
pub struct Phones {
    home: TempDir,
    port: u16,
    rate: u32,
    agent: String,
}

impl Phones {
    /// Phones at a free port of the loopback interface.
    pub fn new() -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        fs::write(home.path().join("register.xml"), REGISTER)?;
        fs::write(home.path().join("query.xml"), QUERY)?;
        fs::write(home.path().join("flicker.xml"), FLICKER)?;
        Ok(Self {
            home,
            port: free_sip()?,
            rate: 100,
            agent: AGENT.into(),
        })
    }

    /// So many of them start in a second; 100 unless told.
    #[must_use]
    pub fn with_rate(self, rate: u32) -> Self {
        Self { rate, ..self }
    }

    /// What they call themselves.
    #[must_use]
    pub fn with_agent(self, agent: &str) -> Self {
        let agent = agent.to_owned();
        Self { agent, ..self }
    }

    /// The port in their contacts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Each registers (or refreshes) at the proxy, for `expires` seconds, and has its 200.
    pub async fn register(
        &self,
        proxy: u16,
        users: &[Subscriber],
        expires: u32,
    ) -> anyhow::Result<()> {
        self.run("register.xml", proxy, users, expires).await
    }

    /// Each unregisters its contact.
    pub async fn unregister(&self, proxy: u16, users: &[Subscriber]) -> anyhow::Result<()> {
        self.run("register.xml", proxy, users, 0).await
    }

    /// Each sends a REGISTER without Contact, which only asks.
    pub async fn query(&self, proxy: u16, users: &[Subscriber]) -> anyhow::Result<()> {
        self.run("query.xml", proxy, users, 600).await
    }

    /// Each registers for `expires` seconds, and unregisters as soon as it has its 200.
    pub async fn flicker(
        &self,
        proxy: u16,
        users: &[Subscriber],
        expires: u32,
    ) -> anyhow::Result<()> {
        self.run("flicker.xml", proxy, users, expires).await
    }

    async fn run(
        &self,
        scenario: &str,
        proxy: u16,
        users: &[Subscriber],
        expires: u32,
    ) -> anyhow::Result<()> {
        fs::write(self.home.path().join("users.csv"), credentials(users)?)?;
        let count = u32::try_from(users.len())?;
        let patience = PATIENCE + count / self.rate.max(1);
        let mut command = self.command(scenario, proxy, expires);
        command.args(["-m", &count.to_string()]).args([
            "-timeout",
            &patience.to_string(),
            "-timeout_error",
        ]);
        let log = self.home.path().join("log");
        let mut process = Process::start("sipp", &mut command, &log)?;
        // SIPp gives up by itself first, and says why.
        let patience = Duration::from_secs(u64::from(patience + PATIENCE));
        let ended =
            tokio::task::spawn_blocking(move || (process.wait(patience), process.output())).await;
        let (status, output) = ended.context("waiting for sipp panicked")?;
        if !status?.success() {
            let errors = fs::read_to_string(self.home.path().join("errors")).unwrap_or_default();
            bail!(
                "sipp: not every phone had its 200: {}\n{}",
                tail(&errors),
                tail(&output)
            );
        }
        Ok(())
    }

    fn command(&self, scenario: &str, proxy: u16, expires: u32) -> Command {
        let port = self.port.to_string();
        let mut command = Command::new("sipp");
        command
            .current_dir(self.home.path())
            .env("TERM", "dumb")
            .arg(format!("127.0.0.1:{proxy}"))
            .args(["-sf", scenario, "-inf", "users.csv"])
            .args(["-i", "127.0.0.1", "-p", &port])
            .args(["-key", "expires", &expires.to_string()])
            .args(["-key", "contact_port", &port])
            .args(["-key", "agent", &self.agent])
            .args(["-r", &self.rate.to_string()])
            // Two seconds' worth of phones at once: a few that must repeat themselves hold nobody up.
            .args(["-l", &self.rate.saturating_mul(2).max(200).to_string()])
            .args(["-nostdin", "-trace_err", "-error_file", "errors"]);
        command
    }
}

/// SIPp's file of users: it fills in credentials only where the keyword stands in the file.
pub(crate) fn credentials(users: &[Subscriber]) -> anyhow::Result<String> {
    let mut file = String::from("SEQUENTIAL\n");
    for user in users {
        let Subscriber {
            username,
            realm,
            password,
            ..
        } = user;
        writeln!(
            file,
            "{username};{realm};[authentication username={username} password={password}]"
        )?;
    }
    Ok(file)
}
