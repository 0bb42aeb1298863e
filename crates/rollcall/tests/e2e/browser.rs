//! A browser that follows an account.

use std::{process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use lab::{
    broker::vhost,
    phones::Phones,
    process::Process,
    rollcall::TOKEN,
    subscribers::{account_id, generate},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

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

/// Serves the page; what the page asks for beyond it is passed on.
fn serve(listener: TcpListener, page: String) -> mpsc::Receiver<String> {
    let (told, telling) = mpsc::channel(100);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (told, page) = (told.clone(), page.clone());
            tokio::spawn(async move {
                let mut request = vec![0; 8192];
                let length = socket.read(&mut request).await?;
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default();
                let body = if path == "/" { page.as_str() } else { "" };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                socket.write_all(answer.as_bytes()).await?;
                let _ = told.send(path.to_owned()).await;
                anyhow::Ok(())
            });
        }
    });
    telling
}

async fn told(
    telling: &mut mpsc::Receiver<String>,
    wanted: &str,
    patience: Duration,
) -> anyhow::Result<()> {
    let waiting = async {
        while let Some(path) = telling.recv().await {
            if path == wanted {
                return Ok(());
            }
        }
        anyhow::bail!("the server has ended")
    };
    let told = tokio::time::timeout(patience, waiting).await;
    told.with_context(|| format!("the browser did not tell of {wanted}"))?
}

#[tokio::test]
async fn a_browser_sees_a_phone_register() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..1], 2)).await?;
    let rollcall = cluster.rollcall("rollcall@browser", &[]).await?;
    // An account is known once somebody was registered in it.
    let phones = Phones::new()?;
    let (first, second) = cluster.subscribers.split_at(1);
    phones.register(cluster.port(0), first, 600).await?;
    cluster.agrees(&rollcall).await?;
    let events = format!(
        "http://127.0.0.1:{}/v2/accounts/{}/registrations/events?auth_token={TOKEN}",
        rollcall.port(),
        account_id(REALMS[0])
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let mut telling = serve(listener, PAGE.replace("EVENTS", &events));
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
        .arg(url);
    let mut chromium = Process::start("chromium", &mut command, &home.path().join("log"))?;
    told(&mut telling, "/ready/", PATIENCE)
        .await
        .with_context(|| chromium.output())?;
    phones.register(cluster.port(0), second, 600).await?;
    told(&mut telling, "/registered/user002", Duration::from_secs(1)).await?;
    phones.unregister(cluster.port(0), second).await?;
    told(
        &mut telling,
        "/unregistered/user002",
        Duration::from_secs(1),
    )
    .await?;
    // A stop does not wait for those who follow.
    let mut rollcall = rollcall;
    rollcall.process().signal(nix::sys::signal::Signal::SIGTERM);
    let status = rollcall.process().wait(Duration::from_secs(15))?;
    ensure!(status.success(), "{status}: {}", rollcall.log());
    chromium.kill();
    Ok(())
}
