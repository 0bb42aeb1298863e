//! Starts that cannot work say why, and no secret shows.

use std::process::Command;

use anyhow::ensure;
use lab::{process::Process, secrets};
use nix::sys::signal::Signal;

use crate::world::{PATIENCE, PROGRAM};

fn refused(environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").env_clear();
    for (key, value) in environment {
        command.env(format!("ROLLCALL_{key}"), value);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(secrets::shown(&said), None);
    said
}

#[test]
fn what_is_wrong_is_said() {
    let loopback = ("HTTP__BIND", "127.0.0.1");
    let none = ("AUTH__MODE", "none");
    assert!(refused(&[]).contains("auth.tokens_file"));
    assert!(refused(&[("AUTH__TOKENS_FILE", "/nowhere")]).contains("/nowhere"));
    assert!(refused(&[loopback, none, ("HTTP__PROT", "1")]).contains("http.port"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(refused(&[loopback, none, ("HTTP__PORT", &port)]).contains(&port));
    for uri in [
        "amqp://u:hunter2@h:port",
        "http://u:hunter2@h",
        "amqp://u:hunter2@",
    ] {
        let said = refused(&[loopback, none, ("ZONES__A__URIS", uri)]);
        assert!(said.contains("zones.a"), "{said}");
    }
}

#[tokio::test]
async fn systemd_is_told() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let path = home.path().join("notify");
    let socket = tokio::net::UnixDatagram::bind(&path)?;
    // systemd names the process that it means.
    let mut command = Command::new("sh");
    command
        .args(["-c", "WATCHDOG_PID=$$ exec \"$0\" serve", PROGRAM])
        .env("ROLLCALL_AUTH__MODE", "none")
        .env("ROLLCALL_HTTP__BIND", "127.0.0.1")
        .env("ROLLCALL_HTTP__PORT", "0")
        .env("ROLLCALL_ZONES__A__URIS", "amqp://127.0.0.1:1")
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000");
    let mut process = Process::start("rollcall", &mut command, &home.path().join("log"))?;
    let said = async |what: &str| -> anyhow::Result<()> {
        let mut buffer = [0; 100];
        loop {
            let read = tokio::time::timeout(PATIENCE, socket.recv(&mut buffer)).await??;
            if String::from_utf8_lossy(&buffer[..read]).contains(what) {
                return Ok(());
            }
        }
    };
    said("READY=1").await?;
    said("WATCHDOG=1").await?;
    said("WATCHDOG=1").await?;
    process.signal(Signal::SIGTERM);
    said("STOPPING=1").await?;
    ensure!(process.wait(PATIENCE)?.success(), "{}", process.output());
    Ok(())
}
