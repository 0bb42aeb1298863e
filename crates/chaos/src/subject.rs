//! The rollcall under trial, as a process that comes and goes, and its HTTP.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lab::rollcall::{self, Rollcall};
use nix::sys::signal::Signal;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::judge::Bindings;

/// Requests that take longer have failed. A flush of an account may wait for the broker.
const REQUEST: Duration = Duration::from_secs(15);
/// It drains for at most 20 s.
const STOP: Duration = Duration::from_secs(30);

/// rollcall's HTTP, whichever process serves it.
#[derive(Clone, Debug)]
pub struct Api {
    http: rollcall::Api,
    /// Odd while it is known not to run.
    stays: Arc<AtomicU64>,
}

impl Api {
    fn new(port: u16) -> anyhow::Result<Self> {
        // Decides how TLS is done, which every client wants to know.
        drop(lab::http::client());
        let client = Client::builder()
            .timeout(REQUEST)
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self {
            http: rollcall::Api::new(client, port),
            stays: Arc::default(),
        })
    }

    /// Which stay of rollcall's it is; odd while it is known not to run.
    pub fn stay(&self) -> u64 {
        self.stays.load(Ordering::SeqCst)
    }

    /// Asks; the answer's status and body.
    pub async fn call(&self, method: &str, path: &str) -> anyhow::Result<(StatusCode, Value)> {
        self.http.call(method, path).await
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let answer = self.call("GET", "/readyz").await;
        answer.is_ok_and(|(status, _)| status == StatusCode::OK)
    }

    /// What it lists of these accounts.
    pub async fn records(&self, accounts: &[String]) -> anyhow::Result<Vec<Value>> {
        let mut records = Vec::new();
        for account in accounts {
            records.extend(self.http.list(account).await?);
        }
        Ok(records)
    }

    /// Its table of these accounts: contacts by AOR.
    pub async fn table(&self, accounts: &[String]) -> anyhow::Result<Bindings> {
        let records = self.records(accounts).await?;
        let bindings = records.iter().map(rollcall::binding);
        Ok(bindings.map(|b| (b.aor, b.contact)).collect())
    }
}

/// The process.
#[derive(Debug)]
pub struct Subject {
    program: PathBuf,
    uri: String,
    settings: Vec<(&'static str, String)>,
    logs: PathBuf,
    process: Option<Rollcall>,
    starts: u32,
    /// Its HTTP.
    pub api: Api,
}

impl Subject {
    /// Not started yet.
    pub fn new(
        program: PathBuf,
        uri: String,
        snapshot: String,
        logs: PathBuf,
    ) -> anyhow::Result<Self> {
        let port = lab::ports::free_tcp()?;
        let fixed = [
            ("SNAPSHOT__INTERVAL", "5"),
            ("AMQP__HEARTBEAT", "2"),
            ("AMQP__RECONNECT_MAX", "1000"),
            ("RECONCILE__INTERVAL", "10"),
            ("RECONCILE__RATE", "100"),
            ("CACHE__EXPIRES_DEVIATION", "20"),
            ("RECOVERY__TIMEOUT", "10"),
            ("LOG__LEVEL", "info,registrar=debug,amqp=debug"),
        ];
        let mut settings: Vec<_> = fixed.map(|(key, value)| (key, value.to_owned())).into();
        settings.push(("HTTP__PORT", port.to_string()));
        settings.push(("SNAPSHOT__FILE", snapshot));
        let api = Api::new(port)?;
        // It does not run yet.
        api.stays.store(1, Ordering::SeqCst);
        Ok(Self {
            program,
            uri,
            settings,
            logs,
            process: None,
            starts: 0,
            api,
        })
    }

    /// The name of its queue of events.
    pub fn queue(&self) -> String {
        format!("rollcall-registrar-rollcall@lab-{}", self.api.http.port())
    }

    /// Starts it; returns when it consumes.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let settings: Vec<_> = self
            .settings
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        self.process = Some(Rollcall::start(&self.program, &self.uri, &settings).await?);
        self.starts += 1;
        self.api.stays.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.api.stays.fetch_add(1, Ordering::SeqCst);
        if let Some(process) = &mut self.process {
            process.process().kill();
        }
        self.put_away();
    }

    /// SIGTERM; fails if it does not end by itself with success.
    pub fn terminate(&mut self) -> anyhow::Result<()> {
        self.api.stays.fetch_add(1, Ordering::SeqCst);
        let ended = self.process.as_mut().map(|process| {
            process.process().signal(Signal::SIGTERM);
            tokio::task::block_in_place(|| process.process().wait(STOP))
        });
        self.put_away();
        if let Some(status) = ended.transpose()? {
            anyhow::ensure!(status.success(), "rollcall ended with {status} on SIGTERM");
        }
        Ok(())
    }

    /// Fails if it has ended by itself.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        match &mut self.process {
            Some(process) => process.process().check_alive(),
            None => Ok(()),
        }
    }

    fn put_away(&mut self) {
        if let Some(process) = self.process.take() {
            let log = self.logs.join(format!("rollcall-{:02}.log", self.starts));
            // Only kept for whoever wants to read it.
            let _ = fs::write(log, process.log());
        }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.put_away();
    }
}
