//! The API's description, tried against the running program.

use std::process::Command;

use anyhow::{Context as _, ensure};
use lab::{broker::vhost, phones::Phones, subscribers::generate};

use crate::{cluster::Cluster, world::REALMS};

/// Thousands of requests, good and bad: none may be answered otherwise than the description says.
#[tokio::test]
async fn schemathesis_finds_nothing() -> anyhow::Result<()> {
    let program = std::env::var("ROLLCALL_LAB_SCHEMATHESIS")
        .context("ROLLCALL_LAB_SCHEMATHESIS is not set: run it with scripts/test")?;
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..1], 30)).await?;
    let rollcall = cluster.rollcall("rollcall@openapi", &[]).await?;
    let phones = Phones::new()?;
    phones
        .register(cluster.port(0), &cluster.subscribers, 600)
        .await?;
    cluster.agrees(&rollcall).await?;
    let home = tempfile::tempdir()?;
    let account = lab::subscribers::account_id(REALMS[0]);
    // A real account half of the time; any other otherwise.
    for fixed in [true, false] {
        let config = home.path().join("schemathesis.toml");
        let parameters = if fixed {
            format!(
                "[parameters]\n\"path.account_id\" = \"{account}\"\n\"path.username\" = \"user001\"\n"
            )
        } else {
            String::new()
        };
        std::fs::write(&config, parameters)?;
        let mut command = Command::new(&program);
        command
            .current_dir(home.path())
            .arg("--config-file")
            .arg(&config)
            .arg("run")
            .arg(format!("http://127.0.0.1:{}/openapi.json", rollcall.port()))
            .args([
                "--header",
                &format!("X-Auth-Token: {}", lab::rollcall::TOKEN),
            ])
            .args([
                "--max-examples",
                "40",
                "--phases",
                "examples,coverage,fuzzing",
                "--no-color",
            ]);
        if fixed {
            // It has no end to be read to.
            command.args(["--exclude-path-regex", "/events$"]);
        }
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{said}");
        ensure!(said.contains("generated"), "{said}");
    }
    ensure!(!rollcall.log().contains("panicked"), "{}", rollcall.log());
    Ok(())
}
