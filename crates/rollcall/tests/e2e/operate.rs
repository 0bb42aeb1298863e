//! The command line against a running service, over its Unix socket and over HTTP.

use std::{
    os::unix::fs::PermissionsExt as _,
    process::{Output, Stdio},
};

use anyhow::{Context as _, ensure};
use lab::{process::Process, rollcall::TOKEN, wait};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{
    service::{ACME, AGENT, OTHER, Service, bare, code, said},
    world::PATIENCE,
};

#[tokio::test]
async fn summary_details_and_count_show_who_is_registered() -> anyhow::Result<()> {
    let service = Service::start(&[]).await?;
    let mode = std::fs::metadata(service.socket())?.permissions().mode();
    ensure!(mode & 0o777 == 0o660, "{mode:o}");

    let table = service.out(&["summary"])?;
    let lines: Vec<_> = table.lines().collect();
    ensure!(lines.len() == 6 && lines[5] == "4 registrations", "{table}");
    ensure!(lines[0].starts_with("User ") && lines[0].ends_with("Left"));
    let amy = lines[1].split_whitespace().collect::<Vec<_>>();
    let contact = "sip:amy@192.0.2.7:5060;transport=udp";
    ensure!(
        amy[..4]
            == [
                "amy@acme.example.com",
                contact,
                "sip:203.0.113.9:5060",
                "amy-1"
            ],
        "{table}"
    );
    // 600 and the padding of 180.
    let left: u64 = amy[4].parse()?;
    ensure!((700..=780).contains(&left), "{left}");
    let starts: Vec<_> = lines[..5]
        .iter()
        .map(|line| line.find("sip:").or(line.find("Contact")))
        .collect();
    ensure!(starts.windows(2).all(|two| two[0] == two[1]), "{table}");
    ensure!(
        service
            .out(&["summary", ACME])?
            .contains("3 registrations of acme")
    );

    let mut narrow = service.command(&["summary"]);
    let narrow = String::from_utf8(narrow.env("COLUMNS", "60").output()?.stdout)?;
    ensure!(
        narrow.lines().all(|line| line.chars().count() <= 60),
        "{narrow}"
    );
    ensure!(
        narrow.contains('…') && narrow.lines().count() == 6,
        "{narrow}"
    );

    let list: Value = serde_json::from_str(&service.out(&["summary", "--json", ACME])?)?;
    ensure!(list.as_array().map(Vec::len) == Some(3) && list[1]["username"] == "bob");
    let csv = service.out(&["summary", "--csv", OTHER])?;
    let rows: Vec<_> = csv.lines().collect();
    ensure!(
        rows.len() == 2 && rows[0] == "user,contact,path,call_id,remaining",
        "{csv}"
    );
    ensure!(service.out(&["summary", "--json", "empty.example.com"])? == "[]\n");

    let details = service.out(&["details", "AMY@acme.example.com"])?;
    ensure!(details.starts_with("amy@acme.example.com\n"), "{details}");
    for field in [
        "user_agent",
        "remaining",
        "zone",
        "account_id",
        "last_registration",
    ] {
        let shown = details.contains(field) || field == "account_id";
        ensure!(shown, "{field} is not in {details}");
    }
    ensure!(details.contains("Phone\u{fffd}[2J 1.0"), "{details:?}");
    ensure!(
        service
            .out(&["details", ACME])?
            .ends_with("3 registrations of acme.example.com\n")
    );
    let list: Value =
        serde_json::from_str(&service.out(&["details", "--json", "amy@acme.example.com"])?)?;
    ensure!(list[0]["user_agent"] == AGENT, "programs get it as it is");
    let nobody = service.run(&["details", "nobody@acme.example.com"])?;
    ensure!(code(&nobody) == Some(5) && said(&nobody).contains("nobody@"));

    ensure!(
        service.out(&["count"])? == "4\n" && service.out(&["count", "ACME.example.com"])? == "3\n"
    );
    let bad = service.run(&["count", "o'x"])?;
    ensure!(
        code(&bad) == Some(1) && said(&bad).contains("realm"),
        "{bad:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_flush_reaches_the_proxies_and_asks_on_a_terminal() -> anyhow::Result<()> {
    let service = Service::start(&[]).await?;
    let mut flushes = service.flushes().await?;
    let (status, said_there) = service.on_a_terminal("flush acme.example.com", "n")?;
    ensure!(status == Some(6), "{status:?} {said_there}");
    ensure!(
        said_there.contains("Flush all of acme.example.com (3 registrations)?"),
        "{said_there}"
    );
    ensure!(service.out(&["count"])? == "4\n");
    let nobody = service.run(&["flush", "nobody@acme.example.com"])?;
    ensure!(code(&nobody) == Some(5), "{nobody:?}");

    let one = service.out(&["flush", "Amy@ACME.example.com"])?;
    ensure!(one.starts_with("1 registration flushed\n"), "{one}");
    // The first that was sent at all: what was declined and what was not found sent none.
    let sent = flushes.next(PATIENCE).await?.json()?;
    ensure!(sent["Username"] == "amy" && sent["Realm"] == ACME, "{sent}");
    ensure!(service.out(&["count"])? == "3\n");

    let forced = service.out(&["flush", "--force", "nobody@acme.example.com"])?;
    ensure!(forced == "0 registrations flushed\n", "{forced}");
    let (status, said_there) = service.on_a_terminal("flush acme.example.com", "y")?;
    ensure!(
        status == Some(0) && said_there.contains("2 registrations flushed"),
        "{said_there}"
    );
    ensure!(service.out(&["count"])? == "1\n");
    let (status, said_there) = service.on_a_terminal("flush --yes zoe@other.example.com", "")?;
    ensure!(
        status == Some(0) && !said_there.contains('?'),
        "{said_there}"
    );
    ensure!(service.out(&["count"])? == "0\n");
    Ok(())
}

#[tokio::test]
async fn watch_shows_changes_and_sync_and_status_how_it_does() -> anyhow::Result<()> {
    let service = Service::start(&[]).await?;
    let watching = service.command(&["watch", ACME]);
    let mut watching = tokio::process::Command::from(watching)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = watching.stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    // It says nothing before something happens: so something happens until it does.
    let first = wait::until("a change", PATIENCE, async || {
        service.register("zoe", OTHER).await?;
        service.register("dan", ACME).await?;
        let soon = std::time::Duration::from_millis(500);
        let line = tokio::time::timeout(soon, lines.next_line()).await??;
        line.context("it has ended")
    });
    let first = first.await?;
    ensure!(
        first.contains("dan@acme.example.com") && first.contains("via sip:203"),
        "{first}"
    );
    service.out(&["flush", "dan@acme.example.com"])?;
    let flushed = async {
        loop {
            let line = lines.next_line().await?.context("it has ended")?;
            ensure!(!line.contains("zoe"), "{line}");
            if line.contains(" flushed ") {
                return Ok(line);
            }
        }
    };
    let flushed = tokio::time::timeout(PATIENCE, flushed).await??;
    ensure!(flushed.contains("dan@acme.example.com"), "{flushed}");

    let mut syncs = service.amqp.tap("registrar", "registration.sync").await?;
    let synced = service.out(&["sync"])?;
    ensure!(
        synced.contains("zone local: 0 other registrars answered"),
        "{synced}"
    );
    syncs.next(PATIENCE).await?;

    let status = service.out(&["status"])?;
    ensure!(
        status.contains(": ready\n") && status.contains("zone local"),
        "{status}"
    );
    let status: Value = serde_json::from_str(&service.out(&["status", "--json"])?)?;
    ensure!(
        status["readiness"]["status"] == "ready" && status["registrations"] == 4,
        "{status}"
    );
    Ok(())
}

#[tokio::test]
async fn over_http_a_token_is_needed_and_never_shown() -> anyhow::Result<()> {
    let mut service = Service::start(&[]).await?;
    let url = format!("http://127.0.0.1:{}", service.rollcall.port());
    let ask = |token: Option<&str>| -> anyhow::Result<Output> {
        let mut command = bare(&["count", "--url", &url]);
        Ok(command
            .envs(token.map(|token| ("ROLLCALL_TOKEN", token)))
            .output()?)
    };
    let good = ask(Some(TOKEN))?;
    ensure!(good.stdout == b"4\n", "{good:?}");
    let file = service.home.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n"))?;
    let mut by_file = bare(&["count", "--url", &url, "--token-file"]);
    ensure!(by_file.arg(&file).output()?.stdout == b"4\n");
    for token in [None, Some("hunter2")] {
        let refused = ask(token)?;
        ensure!(code(&refused) == Some(4), "{refused:?}");
        ensure!(said(&refused).contains("ROLLCALL_TOKEN") && !said(&refused).contains("hunter2"));
    }
    let help = bare(&["count", "--help"])
        .env("ROLLCALL_TOKEN", "hunter2")
        .output()?;
    ensure!(!String::from_utf8(help.stdout)?.contains("hunter2"));

    service
        .rollcall
        .process()
        .signal(nix::sys::signal::Signal::SIGTERM);
    ensure!(service.rollcall.process().wait(PATIENCE)?.success());
    ensure!(!service.socket().exists(), "it takes its socket away");
    let gone = ask(Some(TOKEN))?;
    ensure!(
        code(&gone) == Some(3) && said(&gone).contains(&url),
        "{gone:?}"
    );
    let gone = service.run(&["status"])?;
    ensure!(
        code(&gone) == Some(3) && said(&gone).contains("admin.socket"),
        "{gone:?}"
    );
    Ok(())
}

/// A port where nothing listens.
const NOWHERE: &str = "amqp://127.0.0.1:1";

#[tokio::test]
async fn a_zone_that_is_down_is_named() -> anyhow::Result<()> {
    let service = Service::start(&[("ZONES__WEST__URIS", NOWHERE)]).await?;
    let status = service.out(&["status"])?;
    ensure!(status.contains(": degraded\n"), "{status}");
    ensure!(
        status.contains("zone west: not connected to RabbitMQ: "),
        "{status}"
    );
    let flushed = service.run(&["flush", "amy@acme.example.com"])?;
    ensure!(code(&flushed) == Some(8), "{flushed:?}");
    ensure!(
        flushed.stdout.starts_with(b"1 registration flushed\n"),
        "{flushed:?}"
    );
    ensure!(
        said(&flushed).contains("zone west: not connected"),
        "{flushed:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_service_that_is_not_ready_says_so_and_flushes_nothing() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let socket = home.path().join("admin.sock");
    let mut serve = bare(&["serve"]);
    serve
        .env("ROLLCALL_AUTH__MODE", "none")
        .env("ROLLCALL_HTTP__BIND", "127.0.0.1")
        .env("ROLLCALL_HTTP__PORT", "0")
        .env("ROLLCALL_AMQP__NODE", "rollcall@lab")
        .env("ROLLCALL_ZONES__WEST__URIS", NOWHERE)
        .env("ROLLCALL_ADMIN__SOCKET", &socket);
    let process = Process::start("rollcall", &mut serve, &home.path().join("log"))?;
    let run = |arguments: &[&str]| bare(arguments).env("ROLLCALL_SOCKET", &socket).output();
    let status = wait::until("it to answer", PATIENCE, async || {
        let status = run(&["status"])?;
        ensure!(code(&status) == Some(7), "{status:?} {}", process.output());
        Ok(status)
    });
    ensure!(said(&status.await?).contains("zone west: not connected"));
    for arguments in [["flush", "acme.example.com"].as_slice(), &["sync"]] {
        let failed = run(arguments)?;
        ensure!(code(&failed) == Some(1), "{failed:?}");
        ensure!(said(&failed).contains("RabbitMQ"), "{failed:?}");
    }
    Ok(())
}

#[test]
fn what_needs_no_service() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let run = |arguments: &[&str]| bare(arguments).output();
    let file = home.path().join("rollcall.toml");
    let name = file.to_str().context("a path that is text")?;
    let tokens = home.path().join("tokens.toml");
    std::fs::write(&tokens, "token = []\n")?;
    std::fs::write(
        &file,
        format!("[amqp]\nnode = \"rollcall@t\"\n[auth]\ntokens_file = {tokens:?}\n"),
    )?;
    let good = run(&["check-config", name])?;
    ensure!(good.status.success(), "{good:?}");
    ensure!(String::from_utf8(good.stdout)?.contains("can be used: node rollcall@t"));
    std::fs::write(
        &file,
        "[http]\nprot = 1\n[auth]\ntokens_file = \"/nowhere\"\n",
    )?;
    let bad = run(&["check-config", name])?;
    ensure!(
        code(&bad) == Some(1) && said(&bad).contains("did you mean http.port"),
        "{bad:?}"
    );
    let text = "[amqp]\nnode = \"rollcall@t\"\n[auth]\ntokens_file = \"/nowhere\"\n[accounts]\nrealms_file = \"/neither\"\n";
    std::fs::write(&file, text)?;
    let bad = run(&["check-config", name])?;
    ensure!(code(&bad) == Some(1), "{bad:?}");
    ensure!(
        said(&bad).contains("/nowhere") && said(&bad).contains("/neither"),
        "all at once: {bad:?}"
    );
    ensure!(
        said(&bad).matches("os error 2").count() == 2,
        "each reason once: {bad:?}"
    );

    let api: Value = serde_json::from_slice(&run(&["openapi"])?.stdout)?;
    ensure!(api["openapi"].is_string());
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(run(&["completions", shell])?.stdout)?;
        ensure!(script.contains("check-config"), "{shell}");
    }
    let page = String::from_utf8(run(&["man"])?.stdout)?;
    ensure!(page.contains(".TH rollcall 1"), "{page}");
    let folder = home.path().to_str().context("a path that is text")?;
    ensure!(run(&["man", folder])?.status.success());
    for page in ["rollcall.1", "rollcall-flush.1", "rollcall-check-config.1"] {
        ensure!(home.path().join(page).exists(), "{page}");
    }
    ensure!(code(&run(&["sumary"])?) == Some(2));
    Ok(())
}
