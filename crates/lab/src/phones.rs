//! Phones: real REGISTERs by SIPp, with digest.

use std::{fmt::Write as _, fs, process::Command, time::Duration};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::{
    ports::free_sip,
    process::{Process, tail},
    subscribers::Subscriber,
};

const REGISTER: &str = include_str!("../sipp/register.xml");
const QUERY: &str = include_str!("../sipp/query.xml");
const PATIENCE: Duration = Duration::from_mins(1);

/// Phones behind one address, each with a contact of its own username there.
#[derive(Debug)]
pub struct Phones {
    home: TempDir,
    port: u16,
    rate: u32,
}

impl Phones {
    /// Phones at a free port of the loopback interface.
    pub fn new() -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        fs::write(home.path().join("register.xml"), REGISTER)?;
        fs::write(home.path().join("query.xml"), QUERY)?;
        Ok(Self {
            home,
            port: free_sip()?,
            rate: 100,
        })
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

    async fn run(
        &self,
        scenario: &str,
        proxy: u16,
        users: &[Subscriber],
        expires: u32,
    ) -> anyhow::Result<()> {
        let mut file = String::from("SEQUENTIAL\n");
        for user in users {
            // SIPp fills in credentials only where the keyword stands in the file.
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
        fs::write(self.home.path().join("users.csv"), file)?;
        let port = self.port.to_string();
        let mut command = Command::new("sipp");
        command
            .current_dir(self.home.path())
            .env("TERM", "dumb")
            .arg(format!("127.0.0.1:{proxy}"))
            .args([
                "-sf",
                scenario,
                "-inf",
                "users.csv",
                "-i",
                "127.0.0.1",
                "-p",
                &port,
            ])
            .args([
                "-key",
                "expires",
                &expires.to_string(),
                "-key",
                "contact_port",
                &port,
            ])
            .args([
                "-m",
                &users.len().to_string(),
                "-r",
                &self.rate.to_string(),
                "-l",
                "200",
            ])
            .args([
                "-timeout",
                "30",
                "-timeout_error",
                "-nostdin",
                "-trace_err",
                "-error_file",
                "errors",
            ]);
        let log = self.home.path().join("log");
        let mut process = Process::start("sipp", &mut command, &log)?;
        let ended =
            tokio::task::spawn_blocking(move || (process.wait(PATIENCE), process.output())).await;
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
}
