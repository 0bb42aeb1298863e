//! The demo, as a new user meets it.

use std::{process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use lab::{ports::free_tcp, process::Process, wait};
use nix::sys::signal::Signal;
use reqwest::Client;
use serde_json::Value;

use crate::world::{PATIENCE, PROGRAM};

#[tokio::test]
async fn live_data_a_flush_and_the_phone_comes_back() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let port = free_tcp()?.to_string();
    let mut command = Command::new(PROGRAM);
    command.args(["demo", "--port", &port]);
    let mut demo = Process::start("demo", &mut command, &home.path().join("log"))?;
    let lines = wait::until("the curl lines", PATIENCE, async || {
        let output = demo.output();
        ensure!(output.contains("SIMULATION"), "it says what it is");
        let lines: Vec<_> = output
            .lines()
            .filter_map(|line| line.trim().strip_prefix("curl "))
            .map(str::to_owned)
            .collect();
        ensure!(lines.len() == 4, "{output}");
        Ok(lines)
    })
    .await?;
    // The lines as they are printed, which is how a user tries them.
    let url = |line: &str| {
        line.split_whitespace().find_map(|word| {
            let url = word.trim_matches('\'');
            url.starts_with("http").then(|| url.to_owned())
        })
    };
    let urls: Vec<_> = lines
        .iter()
        .map(|line| url(line).context("no URL"))
        .collect::<Result<_, _>>()?;
    let client = Client::new();
    let call = async |method: reqwest::Method, url: &str| -> anyhow::Result<Value> {
        let answer = client
            .request(method, url)
            .header("X-Auth-Token", "demo")
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    };
    let [list, count, one, all] = urls.as_slice() else {
        anyhow::bail!("four lines")
    };
    let listed = async || {
        anyhow::Ok(
            call(reqwest::Method::GET, list).await?["data"]
                .as_array()
                .map_or(0, Vec::len),
        )
    };
    wait::until_eq("the phones", PATIENCE, &100, listed).await?;
    ensure!(call(reqwest::Method::GET, count).await?["data"]["count"] == 100);
    ensure!(call(reqwest::Method::DELETE, one).await?["data"] == "ok");
    ensure!(listed().await? == 99, "the phone is gone");
    wait::until_eq(
        "the phone's next refresh",
        Duration::from_secs(45),
        &100,
        listed,
    )
    .await?;
    ensure!(call(reqwest::Method::DELETE, all).await?["data"] == "ok");
    ensure!(listed().await? < 100);
    demo.signal(Signal::SIGINT);
    ensure!(demo.wait(PATIENCE)?.success());
    Ok(())
}
