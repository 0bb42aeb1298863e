//! A real Kamailio with the lab's configuration.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail};
use nix::{sys::stat::Mode, unistd::mkfifo};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe,
};

use crate::{
    ports::free_sip,
    process::{Process, tail},
    wait,
};

const CONFIG: &str = include_str!("../kamailio/kamailio.cfg");
const SCHEMA: &str = "/usr/share/kamailio/db_sqlite";
const START_PATIENCE: Duration = Duration::from_secs(30);
const RPC_PATIENCE: Duration = Duration::from_secs(5);

/// What can be set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Host name: what its node and its queue are named after.
    pub hostname: String,
    /// Least Expires that it takes, in seconds; production has 300.
    pub min_expires: u32,
    /// Largest Expires that it grants, in seconds; production has 3600.
    pub max_expires: u32,
    /// Seconds between writes to its database; production has 5.
    pub db_timer: u32,
    /// Port for SIP; any that is free if not given.
    pub port: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hostname: "kam1.lab.local".into(),
            min_expires: 300,
            max_expires: 3600,
            db_timer: 5,
            port: None,
        }
    }
}

/// A binding in its location table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// `username@realm`.
    pub aor: String,
    /// The contact's URI.
    pub contact: String,
}

/// A running Kamailio; ends when dropped.
#[derive(Debug)]
pub struct Kamailio {
    home: TempDir,
    port: u16,
    process: Process,
}

impl Kamailio {
    /// Starts it; returns when it answers, and its flush queue is bound.
    pub async fn start(amqp_uri: &str, options: &Options) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let port = options.port.map_or_else(free_sip, Ok)?;
        let config = configuration(home.path(), port, amqp_uri, options);
        fs::write(home.path().join("kamailio.cfg"), config)?;
        create_database(home.path())?;
        let mut command = Command::new("/usr/sbin/kamailio");
        command
            .arg("-f")
            .arg(home.path().join("kamailio.cfg"))
            .arg("-P")
            .arg(home.path().join("pid"));
        command
            .args(["-DD", "-E", "-m", "64", "-M", "32"])
            .arg("-Y")
            .arg(home.path());
        let process = Process::start("kamailio", &mut command, &home.path().join("log"))?;
        let mut kamailio = Self {
            home,
            port,
            process,
        };
        let ready = wait::until("Kamailio to start", START_PATIENCE, async || {
            kamailio.rpc("core.uptime", &json!([])).await.map(drop)
        });
        let ready = ready.await;
        kamailio.process.check_alive()?;
        ready.with_context(|| tail(&kamailio.process.output()))?;
        Ok(kamailio)
    }

    /// Where it takes SIP, over UDP and TCP.
    pub fn sip_port(&self) -> u16 {
        self.port
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The bindings in its memory, in order: the truth about who is registered. What it has deleted
    /// already, but will drop only with the next write to its database, is not among them.
    pub async fn usrloc(&self) -> anyhow::Result<Vec<Binding>> {
        let answer = self.rpc("ul.dump", &json!([])).await?;
        let mut bindings = Vec::new();
        collect(&answer, &mut bindings);
        bindings.sort();
        Ok(bindings)
    }

    /// How many bindings its database has: what a flush can find.
    pub fn database_len(&self) -> anyhow::Result<usize> {
        let database = self.home.path().join("location.sqlite");
        let output = Command::new("sqlite3")
            .arg(database)
            .arg("select count(*) from location")
            .output()?;
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .context("sqlite3 gave no count")
    }

    /// Calls one of its RPCs.
    pub async fn rpc(&self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let name = format!("rpc-{}", uuid::Uuid::new_v4().simple());
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": method, "params": params, "reply_name": name,
        });
        let reply = self.home.path().join(&name);
        mkfifo(&reply, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let answer = tokio::time::timeout(RPC_PATIENCE, self.call(&reply, &call)).await;
        fs::remove_file(&reply)?;
        let mut answer = answer.context("Kamailio did not answer")??;
        if let Some(error) = answer.get("error") {
            bail!("Kamailio refused {method}: {error}");
        }
        Ok(answer
            .get_mut("result")
            .map(Value::take)
            .unwrap_or_default())
    }

    async fn call(&self, reply: &Path, call: &Value) -> anyhow::Result<Value> {
        // Open for writing too, or it would be at its end before Kamailio has come.
        let mut answers = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(reply)?;
        let calls = self.home.path().join("rpc.fifo");
        let mut calls = pipe::OpenOptions::new().open_sender(calls)?;
        calls.write_all(format!("{call}\n").as_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            answers.read_buf(&mut answer).await?;
            match serde_json::from_slice(&answer) {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_eof() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn configuration(home: &Path, port: u16, amqp_uri: &str, options: &Options) -> String {
    let values = [
        ("SIP_IP", "127.0.0.1".to_owned()),
        ("SIP_PORT", port.to_string()),
        ("AMQP_URI", amqp_uri.to_owned()),
        ("HOSTNAME", options.hostname.clone()),
        ("RUN_DIR", home.display().to_string()),
        ("MIN_EXPIRES", options.min_expires.to_string()),
        ("MAX_EXPIRES", options.max_expires.to_string()),
        ("DB_TIMER", options.db_timer.to_string()),
    ];
    values
        .iter()
        .fold(CONFIG.to_owned(), |config, (name, value)| {
            config.replace(&format!("${{{name}}}"), value)
        })
}

fn create_database(home: &Path) -> anyhow::Result<()> {
    // With a write-ahead log who reads does not keep Kamailio from writing.
    let mut sql = String::from("pragma journal_mode = wal;\n");
    for part in ["standard-create.sql", "usrloc-create.sql"] {
        let schema = fs::read_to_string(Path::new(SCHEMA).join(part));
        sql += &schema.context("Kamailio's SQL schema is not there")?;
    }
    let output = Command::new("sqlite3")
        .arg(home.join("location.sqlite"))
        .arg(sql)
        .output()?;
    if !output.status.success() {
        bail!(
            "sqlite3 could not make the database: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Finds the bindings in a dump, whose nesting differs between versions.
fn collect(value: &Value, bindings: &mut Vec<Binding>) {
    match value {
        Value::Object(object) => {
            let contacts = object.get("Contacts").and_then(Value::as_array);
            if let (Some(aor), Some(contacts)) =
                (object.get("AoR").and_then(Value::as_str), contacts)
            {
                let address = |contact: &'_ Value| {
                    Some(contact.pointer("/Contact/Address")?.as_str()?.to_owned())
                };
                let stands = |contact: &&Value| {
                    let expires = contact.pointer("/Contact/Expires").and_then(Value::as_str);
                    !matches!(expires, Some("deleted" | "expired"))
                };
                for contact in contacts.iter().filter(stands).filter_map(address) {
                    bindings.push(Binding {
                        aor: aor.to_owned(),
                        contact,
                    });
                }
            } else {
                object.values().for_each(|value| collect(value, bindings));
            }
        }
        Value::Array(array) => array.iter().for_each(|value| collect(value, bindings)),
        _ => {}
    }
}
