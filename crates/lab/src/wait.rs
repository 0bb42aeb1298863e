//! Waiting for a condition instead of sleeping.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use anyhow::ensure;

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(25);

/// Asks `probe` until it answers `Ok`; fails with its last error when patience ends.
pub async fn until<T>(
    what: &str,
    patience: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        match probe().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => {
                return Err(error.context(format!("waited {} s for {what}", patience.as_secs())));
            }
            Err(_) => tokio::time::sleep(PERIOD).await,
        }
    }
}

/// Asks `probe` until its answer equals `wanted`.
pub async fn until_eq<T: PartialEq + Debug>(
    what: &str,
    patience: Duration,
    wanted: &T,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<()> {
    until(what, patience, async || {
        let got = probe().await?;
        ensure!(got == *wanted, "got {got:?}, want {wanted:?}");
        Ok(())
    })
    .await
}
