//! rollcall itself, as a process of its own.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{
    kamailio::Binding,
    ports::free_tcp,
    process::{Process, tail},
    subscribers::hex,
    wait,
};

/// A token that may read and write every account.
pub const TOKEN: &str = "planted-lab-token";

const START_PATIENCE: Duration = Duration::from_secs(20);
const READY_PATIENCE: Duration = Duration::from_mins(1);

/// A running rollcall; ends when dropped.
#[derive(Debug)]
pub struct Rollcall {
    home: TempDir,
    process: Process,
    api: Api,
}

/// The HTTP of the rollcall at a port, whichever process serves it.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    port: u16,
}

impl Api {
    /// Asks by this client.
    pub fn new(client: Client, port: u16) -> Self {
        Self { client, port }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks; the answer's status and body.
    pub async fn call(&self, method: &str, path: &str) -> anyhow::Result<(StatusCode, Value)> {
        let method = Method::from_bytes(method.as_bytes())?;
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let request = self.client.request(method, url);
        let response = request.header("X-Auth-Token", TOKEN).send().await?;
        let status = response.status();
        let body = response.json().await;
        Ok((status, body.context("the body is not JSON")?))
    }

    /// An account's registrations as HTTP shows them; none if it does not know the account.
    pub async fn list(&self, account: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("/v2/accounts/{account}/registrations");
        let (status, mut body) = self.call("GET", &path).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        ensure!(status == StatusCode::OK, "{status} to {path}: {body}");
        match body.get_mut("data").map(Value::take) {
            Some(Value::Array(list)) => Ok(list),
            _ => bail!("no list: {body}"),
        }
    }
}

/// A registration that HTTP shows, as a proxy would show it.
pub fn binding(record: &Value) -> Binding {
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
    Binding {
        aor: format!("{}@{}", text("username"), text("realm")),
        contact: text("contact").to_owned(),
    }
}

impl Rollcall {
    /// Starts `program serve` against a broker; returns when it consumes. Each of `settings` is an
    /// environment variable without its `ROLLCALL_`.
    pub async fn start(
        program: &Path,
        amqp_uri: &str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let tokens = home.path().join("tokens.toml");
        let hash = hex(&Sha256::digest(TOKEN.as_bytes()));
        fs::write(
            &tokens,
            format!(
                "[[token]]\nname = \"lab\"\nsha256 = \"{hash}\"\naccounts = [\"*\"]\nwrite = true\n"
            ),
        )?;
        let port = match settings.iter().find(|(key, _)| *key == "HTTP__PORT") {
            Some((_, port)) => port.parse()?,
            None => free_tcp()?,
        };
        let mut command = Command::new(program);
        command
            .arg("serve")
            .env("ROLLCALL_HTTP__BIND", "127.0.0.1")
            .env("ROLLCALL_HTTP__PORT", port.to_string())
            .env("ROLLCALL_HTTP__WORKERS", "2")
            .env("ROLLCALL_AUTH__TOKENS_FILE", &tokens)
            .env("ROLLCALL_AMQP__NODE", format!("rollcall@lab-{port}"))
            .env("ROLLCALL_ZONES__LOCAL__URIS", amqp_uri);
        for (key, value) in settings {
            command.env(format!("ROLLCALL_{key}"), value);
        }
        let process = Process::start("rollcall", &mut command, &home.path().join("log"))?;
        let mut rollcall = Self {
            home,
            process,
            api: Api::new(crate::http::client(), port),
        };
        rollcall.consuming(1).await?;
        Ok(rollcall)
    }

    /// Waits until it has begun to consume for the `times`th time.
    pub async fn consuming(&mut self, times: usize) -> anyhow::Result<()> {
        let Self { process, .. } = self;
        let consuming = wait::until("rollcall to consume", START_PATIENCE, async || {
            process.check_alive()?;
            let begun = process.output().matches("consuming zone=").count();
            ensure!(begun >= times, "it has begun {begun} times");
            Ok(())
        });
        let consuming = consuming.await;
        consuming.with_context(|| tail(&self.process.output()))
    }

    /// Its HTTP port.
    pub fn port(&self) -> u16 {
        self.api.port
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The process itself.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where it keeps its files.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Asks it; the answer's status and body.
    pub async fn call(&self, method: &str, path: &str) -> anyhow::Result<(StatusCode, Value)> {
        self.api.call(method, path).await
    }

    /// Waits until it says that it is ready: warm, and consuming.
    pub async fn ready(&self) -> anyhow::Result<()> {
        wait::until("rollcall to be ready", READY_PATIENCE, async || {
            let (status, body) = self.call("GET", "/readyz").await?;
            ensure!(status == StatusCode::OK, "{status}: {body}");
            Ok(())
        })
        .await
    }

    /// An account's registrations as HTTP shows them; none if it does not know the account.
    pub async fn list(&self, account: &str) -> anyhow::Result<Vec<Value>> {
        self.api.list(account).await
    }

    /// `username@realm` of an account's registrations, in order.
    pub async fn aors(&self, account: &str) -> anyhow::Result<Vec<String>> {
        let bindings = self.bindings(account).await?;
        Ok(bindings.into_iter().map(|binding| binding.aor).collect())
    }

    /// An account's registrations as a proxy would show them, in order.
    pub async fn bindings(&self, account: &str) -> anyhow::Result<Vec<Binding>> {
        let list = self.list(account).await?;
        let mut bindings: Vec<_> = list.iter().map(binding).collect();
        bindings.sort();
        Ok(bindings)
    }
}
