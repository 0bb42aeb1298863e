//! A browser that follows an account.

use std::{process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use lab::{
    broker::vhost,
    phones::Phones,
    process::Process,
    rollcall::TOKEN,
    subscribers::{account_id, generate},
    wait,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    cluster::Cluster,
    world::{PATIENCE, REALMS},
};

/// Follows the events, and tells the test's own server of each.
const PAGE: &str = r#"<!doctype html><title>test</title><script>
const source = new EventSource("EVENTS");
for (const name of ["ready", "registered", "unregistered"]) {
  source.addEventListener(name, (event) => fetch(`/${name}/${JSON.parse(event.data).username || ""}`));
}
</script>"#;

/// Waits until the page has asked for this path.
async fn told(server: &MockServer, wanted: &str, patience: Duration) -> anyhow::Result<()> {
    wait::until("the browser", patience, async || {
        let requests = server.received_requests().await.unwrap_or_default();
        let told = requests.iter().any(|request| request.url.path() == wanted);
        ensure!(told, "it did not tell of {wanted}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_browser_sees_a_phone_register() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..1], 2)).await?;
    let rollcall = cluster.rollcall("rollcall@browser", &[]).await?;
    // An account is known once a phone was registered in it.
    let phones = Phones::new()?;
    let (first, second) = cluster.subscribers.split_at(1);
    phones.register(cluster.port(0), first, 600).await?;
    cluster.agrees(&rollcall).await?;
    let events = format!(
        "http://127.0.0.1:{}/v2/accounts/{}/registrations/events?auth_token={TOKEN}",
        rollcall.port(),
        account_id(REALMS[0])
    );
    let server = MockServer::start().await;
    let page = PAGE.replace("EVENTS", &events);
    let page = ResponseTemplate::new(200).set_body_raw(page, "text/html");
    Mock::given(path("/"))
        .respond_with(page)
        .mount(&server)
        .await;
    let home = tempfile::tempdir()?;
    let mut command = Command::new("/usr/bin/chromium");
    command
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .arg(format!("--user-data-dir={}", home.path().display()))
        .arg(server.uri());
    let mut chromium = Process::start("chromium", &mut command, &home.path().join("log"))?;
    told(&server, "/ready/", PATIENCE)
        .await
        .with_context(|| chromium.output())?;
    phones.register(cluster.port(0), second, 600).await?;
    told(&server, "/registered/user002", Duration::from_secs(1)).await?;
    phones.unregister(cluster.port(0), second).await?;
    told(&server, "/unregistered/user002", Duration::from_secs(1)).await?;
    // A stop does not wait for those who follow.
    let mut rollcall = rollcall;
    rollcall.process().signal(nix::sys::signal::Signal::SIGTERM);
    let status = rollcall.process().wait(Duration::from_secs(15))?;
    ensure!(status.success(), "{status}: {}", rollcall.log());
    chromium.kill();
    Ok(())
}
