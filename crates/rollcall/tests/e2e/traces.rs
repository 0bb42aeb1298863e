//! Traces of a running service, taken by a collector that keeps what it is sent.

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use anyhow::{Context as _, ensure};
use lab::{broker::vhost, ports::free_tcp, process::Process, wait};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::world::{PATIENCE, PROGRAM};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What came, headers and all.
type Taken = Arc<Mutex<Vec<u8>>>;

async fn collector() -> anyhow::Result<(String, Taken)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let taken = Taken::default();
    let taking = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let request = take(stream).await.unwrap();
            taking.lock().unwrap().extend(request);
        }
    });
    Ok((url, taken))
}

async fn take(mut stream: TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await?;
        request.extend(&piece[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let length = text.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split('\r').next()?.parse::<usize>().ok());
        let head = request.windows(4).position(|four| four == b"\r\n\r\n");
        let whole = head
            .zip(length)
            .is_some_and(|(head, length)| request.len() >= head + 4 + length);
        if whole || read == 0 {
            stream.write_all(ANSWER).await?;
            return Ok(request);
        }
    }
}

/// The collector answers while the test waits for the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_delivery_to_cache_and_from_request_to_flush() -> anyhow::Result<()> {
    let (vhost, home) = (vhost().await?, tempfile::tempdir()?);
    let (collector, taken) = collector().await?;
    let port = free_tcp()?;
    let mut command = Command::new(PROGRAM);
    command
        .arg("serve")
        .env("ROLLCALL_AUTH__MODE", "none")
        .env("ROLLCALL_HTTP__BIND", "127.0.0.1")
        .env("ROLLCALL_HTTP__PORT", port.to_string())
        .env("ROLLCALL_AMQP__NODE", format!("rollcall@lab-{port}"))
        .env("ROLLCALL_ZONES__LOCAL__URIS", vhost.uri())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector);
    let mut process = Process::start("rollcall", &mut command, &home.path().join("log"))?;
    wait::until("it to consume", PATIENCE, async || {
        ensure!(
            process.output().contains("consuming zone="),
            "{}",
            process.output()
        );
        Ok(())
    })
    .await?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": now,
        "Username": "amy", "Realm": "acme.example.com", "Expires": 600, "First-Registration": true,
        "Contact": "<sip:amy@192.0.2.7:5060>", "Account-ID": "d08f5efdd50874496377295f543cb585",
    })
    .to_string();
    let amqp = lab::amqp::Client::connect(vhost.uri()).await?;
    let url = format!("http://127.0.0.1:{port}/admin/registrations");
    let client = reqwest::Client::new();
    amqp.publish("registrar", "registration.success.a.b", event.as_bytes())
        .await?;
    wait::until("the phone", PATIENCE, async || {
        let counted = client.get(format!("{url}/count")).send().await?;
        let counted: Value = counted.json().await?;
        ensure!(counted["count"] == 1, "{counted}");
        Ok(())
    })
    .await?;
    // Answered before the routes.
    let path = "/v2/accounts/d08f5efdd50874496377295f543cb585/registrations/count";
    let counted = client.get(format!("http://127.0.0.1:{port}{path}"));
    counted.send().await?.error_for_status()?;
    let flushed = client.delete(format!("{url}?realm=acme.example.com"));
    let flushed: Value = flushed.send().await?.json().await?;
    ensure!(flushed["flushed"] == 1, "{flushed}");
    process.signal(Signal::SIGTERM);
    ensure!(process.wait(PATIENCE)?.success(), "{}", process.output());
    wait::until("the spans", PATIENCE, async || {
        let taken = taken.lock().unwrap();
        let text = String::from_utf8_lossy(&taken);
        ensure!(text.contains("/v1/traces"), "nothing came");
        for span in ["delivery", "cache", "request", "flush", "publish", path] {
            text.find(span).with_context(|| format!("no {span}"))?;
        }
        Ok(())
    })
    .await
    .with_context(|| process.output())
}
