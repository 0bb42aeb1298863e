//! A running service with phones, and the command line against it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, ensure};
use lab::{
    amqp::{self, Tap},
    broker::vhost,
    management::Vhost,
    rollcall::Rollcall,
    wait,
};
use serde_json::json;
use tempfile::TempDir;

use crate::world::{PATIENCE, PROGRAM};

pub(crate) const ACME: &str = "acme.example.com";
pub(crate) const OTHER: &str = "other.example.com";

/// What a phone may claim to be: nothing that a terminal would obey.
pub(crate) const AGENT: &str = "Phone\u{1b}[2J 1.0";

pub(crate) struct Service {
    pub(crate) rollcall: Rollcall,
    pub(crate) amqp: amqp::Client,
    pub(crate) home: TempDir,
    _vhost: Vhost,
}

impl Service {
    /// With three phones of ACME and one of another realm.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (vhost, home) = (vhost().await?, tempfile::tempdir()?);
        let socket = home.path().join("admin.sock");
        let socket = socket.to_str().context("a path that is text")?;
        let settings = [&[("ADMIN__SOCKET", socket)], settings].concat();
        let rollcall = Rollcall::start(Path::new(PROGRAM), vhost.uri(), &settings).await?;
        rollcall.ready().await?;
        let amqp = amqp::Client::connect(vhost.uri()).await?;
        let service = Self {
            rollcall,
            amqp,
            home,
            _vhost: vhost,
        };
        for user in ["amy", "bob", "cal"] {
            service.register(user, ACME).await?;
        }
        service.register("zoe", OTHER).await?;
        let count = async || service.out(&["count"]);
        wait::until_eq("the phones", PATIENCE, &"4\n".to_owned(), count).await?;
        Ok(service)
    }

    pub(crate) async fn register(&self, user: &str, realm: &str) -> anyhow::Result<()> {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
        let event = json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": now,
            "Username": user, "Realm": realm, "Expires": 600, "Call-ID": format!("{user}-1"),
            "Contact": format!("<sip:{user}@192.0.2.7:5060;transport=udp>"), "User-Agent": AGENT,
            "Proxy-Path": "sip:203.0.113.9:5060", "First-Registration": true,
            "Account-ID": "d08f5efdd50874496377295f543cb585", "Authorizing-ID": "d",
        });
        let key = "registration.success.x.y";
        let body = event.to_string();
        self.amqp.publish("registrar", key, body.as_bytes()).await
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("admin.sock")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(arguments);
        command.env("ROLLCALL_SOCKET", self.socket());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    /// What a command says that goes well.
    pub(crate) fn out(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments)?;
        ensure!(output.status.success(), "{arguments:?}: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Does it on a terminal, where this is typed.
    pub(crate) fn on_a_terminal(
        &self,
        arguments: &str,
        typed: &str,
    ) -> anyhow::Result<(Option<i32>, String)> {
        let mut terminal = Command::new("script")
            .args(["--quiet", "--return", "--command"])
            .arg(format!("{PROGRAM} {arguments}"))
            .arg("/dev/null")
            .env("ROLLCALL_SOCKET", self.socket())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = terminal.stdin.take().context("no stdin")?;
        writeln!(stdin, "{typed}")?;
        let output = terminal.wait_with_output()?;
        drop(stdin);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.code(), said))
    }

    pub(crate) async fn flushes(&self) -> anyhow::Result<Tap> {
        self.amqp.tap("registrar", "registration.flush.*").await
    }
}

pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).stdin(Stdio::null());
    for variable in ["ROLLCALL_URL", "ROLLCALL_TOKEN", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
