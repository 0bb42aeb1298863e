//! The page for people, in a real browser. The browser's side is in `tests/page`.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, bail, ensure};
use lab::{
    broker::vhost,
    phones::Phones,
    rollcall::{Rollcall, TOKEN},
    subscribers::{account_id, generate},
    wait,
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    cluster::Cluster,
    world::{PATIENCE, PROGRAM, REALMS},
};

/// For the browser's whole way.
const JOURNEY: Duration = Duration::from_mins(5);
const MANY: usize = 10_000;

/// A script in the browser's tests, with the modules that `scripts/page-tests` has installed.
fn node(script: &str, arguments: &[&str]) -> anyhow::Result<Child> {
    let modules = std::env::var("ROLLCALL_LAB_PAGE_TESTS")
        .context("ROLLCALL_LAB_PAGE_TESTS is not set: run it with scripts/test")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    let child = Command::new("node")
        .arg(folder.join(script))
        .args(arguments)
        .env("PAGE_TESTS", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    child.context("cannot start node; scripts/packages installs it")
}

/// Does what the script asks for until it ends; whether it ended well is the result.
async fn along(
    mut child: Child,
    mut outside: impl AsyncFnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut answers = child.stdin.take().context("no input")?;
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        if let Some(wanted) = line.strip_prefix("DO ") {
            outside(wanted).await.with_context(|| wanted.to_owned())?;
            answers.write_all(b"done\n").await?;
        }
    }
    let status = child.wait().await?;
    ensure!(status.success(), "the browser's side: {status}, see above");
    Ok(())
}

#[tokio::test]
async fn a_person_finds_and_flushes_phones() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..1], 2)).await?;
    let mut rollcall = cluster.rollcall("rollcall@page", &[]).await?;
    let port = rollcall.port().to_string();
    let (first, second) = cluster.subscribers.split_at(1);
    let phones = Phones::new()?;
    let strange = Phones::new()?.with_agent("<img src=x onerror=document.title=1>");
    phones.register(cluster.port(0), first, 600).await?;
    cluster.agrees(&rollcall).await?;
    let base = format!("http://127.0.0.1:{port}/");
    let account = account_id(REALMS[0]);
    let child = node("journey.mjs", &[&base, TOKEN, &account, REALMS[0]])?;
    let outside = async |wanted: &str| {
        match wanted.split_once(' ').unwrap_or((wanted, "")) {
            ("register", "1") => phones.register(cluster.port(0), first, 600).await,
            ("register", "2") => strange.register(cluster.port(0), second, 600).await,
            // A flush finds nothing younger than what is in the proxy's database.
            ("settle", count) => {
                let count: usize = count.parse()?;
                let database = async || cluster.proxies[0].database_len();
                wait::until_eq("Kamailio's database", PATIENCE, &count, database).await
            }
            ("holds", count) => {
                let count: usize = count.parse()?;
                let held = async || anyhow::Ok(cluster.truth().await?.len());
                wait::until_eq("Kamailio's bindings", PATIENCE, &count, held).await
            }
            ("restart", _) => {
                rollcall.process().kill();
                let settings = [("HTTP__PORT", port.as_str())];
                rollcall = cluster.rollcall("rollcall@page", &settings).await?;
                Ok(())
            }
            _ => bail!("unknown step {wanted}"),
        }
    };
    timeout(JOURNEY, along(child, outside)).await?
}

#[tokio::test]
async fn ten_thousand_rows_scroll() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let rollcall = Rollcall::start(Path::new(PROGRAM), vhost.uri(), &[]).await?;
    let account = account_id(REALMS[0]);
    let client = lab::amqp::Client::connect(vhost.uri()).await?;
    let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
    for number in 0..MANY {
        let username = format!("user{number:05}");
        let event = json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": now, "Expires": 3600,
            "Username": username, "Realm": REALMS[0], "Contact": format!("<sip:{username}@192.0.2.1:5060>"),
            "User-Agent": format!("labphone/{}", number % 7), "Source-IP": "192.0.2.1", "Source-Port": "5060",
            "Custom-Channel-Vars": {"Account-ID": account, "Authorizing-ID": format!("{number:032x}")},
        });
        let key = format!("registration.success.red%2Eexample%2Ecom.{username}");
        let body = serde_json::to_vec(&event)?;
        client.publish("registrar", &key, &body).await?;
    }
    wait::until_eq("the phones", PATIENCE, &MANY, async || {
        anyhow::Ok(rollcall.list(&account).await?.len())
    })
    .await?;
    let base = format!("http://127.0.0.1:{}/", rollcall.port());
    let child = node("many.mjs", &[&base, TOKEN, &account, &MANY.to_string()])?;
    timeout(JOURNEY, along(child, async |_: &str| Ok(()))).await?
}
