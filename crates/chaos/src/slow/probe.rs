//! The others: a few requests at fixed intervals, however long the answers take.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::ensure;
use lab::rollcall::TOKEN;
use reqwest::{Client, StatusCode};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{proxy::lock, quantile::Durations};

/// What they ask for.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) client: Client,
    pub(super) urls: Vec<String>,
    pub(super) rate: u32,
}

impl Probe {
    /// Asks in turn for `length`; how long each answer took, from when it was due to be asked for.
    pub(super) async fn run(&self, length: Duration) -> anyhow::Result<Durations> {
        let begun = Instant::now();
        let taken = Arc::<Mutex<Durations>>::default();
        let mut asking = JoinSet::new();
        for (number, url) in (0..).zip(self.urls.iter().cycle()) {
            let due = begun + Duration::from_secs(1) * number / self.rate.max(1);
            if due > begun + length {
                break;
            }
            sleep_until(due).await;
            let request = self.client.get(url).header("X-Auth-Token", TOKEN);
            let taken = Arc::clone(&taken);
            asking.spawn(async move {
                let answer = request.send().await?;
                let status = answer.status();
                answer.bytes().await?;
                ensure!(status == StatusCode::OK, "{status}");
                lock(&taken).push(due.elapsed());
                Ok(())
            });
            while let Some(ended) = asking.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = asking.join_next().await {
            ended??;
        }
        Ok(lock(&taken).clone())
    }
}
