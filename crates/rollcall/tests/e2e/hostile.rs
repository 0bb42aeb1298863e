//! Bytes by HTTP that no client should send.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::ensure;
use lab::rollcall::TOKEN;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::service::Service;

/// How long an answer may take, or the end of the connection where none is due.
const ANSWER: Duration = Duration::from_secs(5);
/// An account without phones.
const EMPTY: &str = "00000000000000000000000000000bad";

/// Headers and bodies that two servers might read differently, or that have no end.
const AMBIGUOUS: [&str; 14] = [
    "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "Content-Length: -1\r\n\r\n",
    "Content-Length: 99999999999999999999\r\n\r\n",
    "Content-Length: 400\r\n\r\n{\"verb\":",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
    "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\n\x1f\x08\x01\r\n0\r\n\r\n",
    "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x08\x01",
    "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n",
    "Host: a\r\nHost: b\r\n\r\n",
    " folded: header\r\n\r\n",
    "no colon\r\n\r\n",
];

fn hostile() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0".to_vec(),
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(),
        (0..=255).collect(),
        b"GET /v2/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a/".repeat(20_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\n{}\r\n", "X-A: y\r\n".repeat(300)).into_bytes(),
        format!("GET / HTTP/1.1\r\nX-A: {}\r\n\r\n", "y".repeat(200_000)).into_bytes(),
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n\0\0GET".to_vec(),
    ];
    let path = format!("/v2/accounts/{EMPTY}/registrations");
    for method in ["POST", "GET", "CONNECT", "DELETE"] {
        let head = format!("{method} {path} HTTP/1.1\r\nX-Auth-Token: {TOKEN}\r\n");
        all.extend(AMBIGUOUS.map(|rest| format!("{head}{rest}").into_bytes()));
        for body in [
            "[".repeat(60_000),
            "{\"a\":".repeat(10_000),
            "x".repeat(70_000),
        ] {
            let length = body.len();
            all.push(format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes());
        }
    }
    all
}

/// Sends bytes, says that no more come, and reads until the server hangs up; the status of each
/// answer.
async fn send(port: u16, bytes: &[u8]) -> anyhow::Result<Vec<u16>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let mut read = Vec::new();
    let exchange = async {
        // A refusal may come, and the connection end, before all is sent.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut read).await;
    };
    let _ = timeout(ANSWER, exchange).await;
    let text = String::from_utf8_lossy(&read);
    let statuses = text.split("HTTP/1.1 ").skip(1);
    let statuses = statuses.filter_map(|rest| rest.split(' ').next()?.parse().ok());
    Ok(statuses.collect())
}

#[tokio::test]
async fn bytes_that_are_not_http_stop_nothing() -> anyhow::Result<()> {
    let service = Service::start(&[("HTTP__REQUEST_TIMEOUT", "1")]).await?;
    let port = service.rollcall.port();
    let mut refused = 0;
    for bytes in hostile() {
        let shown = bytes.get(..120).unwrap_or(&bytes).escape_ascii();
        let statuses = send(port, &bytes).await?;
        ensure!(
            statuses.iter().all(|status| *status < 500),
            "{statuses:?} to {shown}"
        );
        refused += statuses.iter().filter(|status| **status >= 400).count();
        let (status, _) = service.rollcall.call("GET", "/healthz").await?;
        ensure!(status == 200, "{status} after {shown}");
    }
    ensure!(refused > 20, "only {refused} were refused");
    ensure!(service.out(&["count"])? == "4\n", "a phone is gone");
    let log = service.rollcall.log();
    ensure!(!log.contains("panicked at"), "{log}");
    Ok(())
}
