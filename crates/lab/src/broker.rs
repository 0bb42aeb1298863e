//! RabbitMQ: one for the whole run with a vhost per test, or one of a test's own to be killed.

use std::{fs, io::Write as _, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    certificates::Certificates,
    management::Vhost,
    ports::free_tcp,
    process::{Process, tail},
    secrets::BROKER_PASSWORD,
    wait,
};

/// Names the run's broker to tests: `AMQP_PORT,MANAGEMENT_PORT`.
pub const SHARED: &str = "ROLLCALL_LAB_BROKER";

const START_PATIENCE: Duration = Duration::from_mins(1);

/// A fresh vhost of the broker that `scripts/test` has started.
pub async fn vhost() -> anyhow::Result<Vhost> {
    let ports = std::env::var(SHARED).with_context(|| {
        format!("{SHARED} is not set: this test needs a real RabbitMQ, run it with scripts/test")
    })?;
    let (amqp, api) = ports
        .split_once(',')
        .with_context(|| format!("{SHARED} is {ports:?}, not two ports"))?;
    let vhost = Vhost::new(&Uuid::new_v4().to_string(), amqp.parse()?, api.parse()?);
    vhost.create().await.context("cannot create a vhost")?;
    Ok(vhost)
}

/// A broker of one's own.
#[derive(Debug)]
pub struct Broker {
    home: TempDir,
    amqp_port: u16,
    api_port: u16,
    tls: Option<(u16, Certificates)>,
    dist_port: u16,
    epmd_port: u16,
    process: Option<Process>,
    /// Erlang's port mapper. Left to itself Erlang would start one that stays behind for ever.
    _epmd: Process,
}

impl Broker {
    /// Starts a broker on free ports of the loopback interface; returns when it takes connections.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(false).await
    }

    /// The same with a listener for TLS, that asks clients for their certificate and takes its
    /// common name for the user's (EXTERNAL).
    pub async fn start_with_tls() -> anyhow::Result<Self> {
        Self::start_with(true).await
    }

    async fn start_with(tls: bool) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let epmd_port = free_tcp()?;
        let mut epmd = Command::new("epmd");
        epmd.args(["-address", "127.0.0.1", "-port", &epmd_port.to_string()]);
        let epmd = Process::start("epmd", &mut epmd, &home.path().join("epmd.log"))?;
        let mut broker = Self {
            home,
            amqp_port: free_tcp()?,
            api_port: free_tcp()?,
            tls: None,
            dist_port: free_tcp()?,
            epmd_port,
            process: None,
            _epmd: epmd,
        };
        if tls {
            broker.tls = Some((free_tcp()?, Certificates::new(broker.home())?));
        }
        broker.configure()?;
        broker.restart().await?;
        Ok(broker)
    }

    fn configure(&self) -> anyhow::Result<()> {
        let home = self.home.path();
        let Self {
            amqp_port,
            api_port,
            ..
        } = self;
        fs::write(
            home.join("rabbitmq.conf"),
            format!(
                "listeners.tcp.1 = 127.0.0.1:{amqp_port}\n\
                 default_pass = {BROKER_PASSWORD}\n\
                 management.tcp.ip = 127.0.0.1\n\
                 management.tcp.port = {api_port}\n\
                 vm_memory_high_watermark.absolute = 2GB\n\
                 disk_free_limit.absolute = 50MB\n\
                 collect_statistics_interval = 1000\n"
            ),
        )?;
        let mut plugins = "rabbitmq_management".to_owned();
        if let Some((port, files)) = &self.tls {
            let [authority, certificate, key] = [
                &files.authority,
                &files.server.certificate,
                &files.server.key,
            ]
            .map(|p| p.display());
            let mut config = fs::OpenOptions::new()
                .append(true)
                .open(home.join("rabbitmq.conf"))?;
            write!(
                config,
                "listeners.ssl.1 = 127.0.0.1:{port}\n\
                 ssl_options.cacertfile = {authority}\n\
                 ssl_options.certfile = {certificate}\n\
                 ssl_options.keyfile = {key}\n\
                 ssl_options.verify = verify_peer\n\
                 ssl_cert_login_from = common_name\n\
                 auth_mechanisms.1 = PLAIN\n\
                 auth_mechanisms.2 = EXTERNAL\n"
            )?;
            plugins += ",rabbitmq_auth_mechanism_ssl";
        }
        fs::write(home.join("enabled_plugins"), format!("[{plugins}].\n"))?;
        Ok(())
    }

    /// Starts it (again), on the same ports and with the same data.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = Some(Process::start(
            "rabbitmq-server",
            &mut self.command("/usr/lib/rabbitmq/bin/rabbitmq-server"),
            &self.home.path().join("log"),
        )?);
        let vhost = self.vhost("/");
        let started = wait::until("RabbitMQ to start", START_PATIENCE, async || {
            vhost
                .call(reqwest::Method::GET, "overview", "")
                .await
                .map(drop)
        });
        let started = started.await;
        if let Some(process) = &mut self.process {
            process.check_alive()?;
            started.with_context(|| tail(&process.output()))?;
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let home = self.home.path();
        let mut command = Command::new(program);
        let at = |name: &str| home.join(name);
        command
            .env("HOME", home)
            .env(
                "RABBITMQ_NODENAME",
                format!("lab{}@localhost", self.amqp_port),
            )
            .env("RABBITMQ_NODE_PORT", "")
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            )
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", at("none"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
            .env("RABBITMQ_LOG_BASE", at("logs"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .current_dir(home);
        command
    }

    /// A vhost of it; `/` is always there.
    pub fn vhost(&self, name: &str) -> Vhost {
        Vhost::new(name, self.amqp_port, self.api_port)
    }

    /// What [`SHARED`] has to hold for tests to use this broker.
    pub fn shared(&self) -> String {
        format!("{},{}", self.amqp_port, self.api_port)
    }

    /// Its port for AMQP.
    pub fn amqp_port(&self) -> u16 {
        self.amqp_port
    }

    /// Its port for TLS, and the certificates that belong to it, if it was started with TLS.
    pub fn tls(&self) -> Option<(u16, &Certificates)> {
        self.tls.as_ref().map(|(port, files)| (*port, files))
    }

    /// Where it keeps its data and logs.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Sends a signal to all of its processes.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    /// Tells it something through `rabbitmqctl`; returns what that prints.
    pub async fn ctl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = self.command("/usr/lib/rabbitmq/bin/rabbitmqctl");
        let output = tokio::process::Command::from({
            command.args(arguments);
            command
        })
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot run rabbitmqctl")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ensure!(
            output.status.success(),
            "rabbitmqctl {arguments:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        Ok(text(&output.stdout))
    }

    /// SIGKILL: no goodbye to anyone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }
}
