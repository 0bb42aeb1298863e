//! Traces of a running service, taken by a collector that keeps what it is sent.

use std::process::Command;

use anyhow::{Context as _, ensure};
use lab::{broker::vhost, ports::free_tcp, process::Process, wait};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::world::{PATIENCE, PROGRAM};

/// The collector answers while the test waits for the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_delivery_to_cache_and_from_request_to_flush() -> anyhow::Result<()> {
    let (vhost, home) = (vhost().await?, tempfile::tempdir()?);
    let collector = MockServer::start().await;
    let answer = Mock::given(any()).respond_with(ResponseTemplate::new(200));
    answer.mount(&collector).await;
    let port = free_tcp()?;
    let mut command = Command::new(PROGRAM);
    command
        .arg("serve")
        .env("ROLLCALL_AUTH__MODE", "none")
        .env("ROLLCALL_HTTP__BIND", "127.0.0.1")
        .env("ROLLCALL_HTTP__PORT", port.to_string())
        .env("ROLLCALL_AMQP__NODE", format!("rollcall@lab-{port}"))
        .env("ROLLCALL_ZONES__LOCAL__URIS", vhost.uri())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.uri());
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
    let path = "/v2/accounts/d08f5efdd50874496377295f543cb585/registrations/count";
    let counted = client.get(format!("http://127.0.0.1:{port}{path}"));
    counted.send().await?.error_for_status()?;
    let flushed = client.delete(format!("{url}?realm=acme.example.com"));
    let flushed: Value = flushed.send().await?.json().await?;
    ensure!(flushed["flushed"] == 1, "{flushed}");
    process.signal(Signal::SIGTERM);
    ensure!(process.wait(PATIENCE)?.success(), "{}", process.output());
    wait::until("the spans", PATIENCE, async || {
        let requests = collector.received_requests().await.unwrap_or_default();
        let traces = requests.iter().filter(|r| r.url.path() == "/v1/traces");
        let text: String = traces.map(|r| String::from_utf8_lossy(&r.body)).collect();
        for span in ["delivery", "cache", "request", "flush", "publish", path] {
            text.find(span).with_context(|| format!("no {span}"))?;
        }
        Ok(())
    })
    .await
    .with_context(|| process.output())
}
