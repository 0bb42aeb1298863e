//! The life cycle of the process: tasks, signals, and an orderly end.

pub mod systemd;

use std::{future::Future, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks that run beside the server, and the order to stop.
pub struct Lifecycle {
    stop: CancellationToken,
    tracker: TaskTracker,
    stopping: CancellationToken,
    died: mpsc::Sender<&'static str>,
    deaths: mpsc::Receiver<&'static str>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let (died, deaths) = mpsc::channel(1);
        Self {
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
            died,
            deaths,
        }
    }
}

impl Lifecycle {
    /// Is cancelled when everything is to stop.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Does this when the process is told to stop, before running requests are waited for.
    pub fn on_shutdown(&self, then: impl FnOnce() + Send + 'static) {
        let stopping = self.stopping.clone();
        tokio::spawn(async move {
            stopping.cancelled().await;
            then();
        });
    }

    /// Runs a task until the stop. If it ends or panics before, the process ends with a failure
    /// that names it: half a service is worse than none.
    pub fn run(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (stop, died) = (self.stop.clone(), self.died.clone());
        let task = self.tracker.spawn(task);
        tokio::spawn(async move {
            if let Err(error) = task.await {
                tracing::error!(task = name, %error, "a task panicked");
            }
            if !stop.is_cancelled() {
                // Full means that another death is already being dealt with.
                let _ = died.try_send(name);
            }
        });
    }

    /// Runs a task that never ends by itself, and cuts it off at the stop.
    pub fn run_until_stop(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.run(name, async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Serves something beside the API until the stop, and does `then` at its end.
    pub fn serve_beside(
        &self,
        name: &'static str,
        server: facade::Server,
        then: impl FnOnce() + Send + 'static,
    ) {
        let stop = self.stop.clone();
        let handle = server.handle();
        self.run(name, async move {
            let mut server = server;
            let ended = tokio::select! {
                ended = &mut server => ended,
                () = stop.cancelled() => tokio::join!(server, handle.stop(false)).0,
            };
            if let Err(error) = ended {
                tracing::error!(server = name, %error, "a server failed");
            }
            then();
        });
    }

    /// Runs `tick` about every `period` until the stop.
    pub fn every(
        &self,
        period: Duration,
        name: &'static str,
        mut tick: impl FnMut() + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.run(name, async move {
            let mut interval = tokio::time::interval(period);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while stop.run_until_cancelled(interval.tick()).await.is_some() {
                tick();
            }
        });
    }

    /// Serves until SIGTERM or SIGINT, then: no new connections, running requests finish, tasks
    /// finish what they hold, all within `drain`. A second signal ends at once.
    pub async fn serve(mut self, server: facade::Server, drain: Duration) -> anyhow::Result<()> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let mut terminate = listen(SignalKind::terminate())?;
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut next_signal = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let handle = server.handle();
        let mut server = tokio::spawn(server);
        let died = tokio::select! {
            name = next_signal() => {
                tracing::info!(signal = name, "stopping");
                None
            }
            ended = &mut server => {
                ended.context("the HTTP server panicked")?.context("the HTTP server failed")?;
                bail!("the HTTP server ended by itself");
            }
            name = self.deaths.recv() => name,
        };
        self.stopping.cancel();
        let drained = async {
            handle.stop(true).await;
            self.stop.cancel();
            self.tracker.close();
            self.tracker.wait().await;
        };
        tokio::select! {
            () = drained => tracing::info!("stopped"),
            () = tokio::time::sleep(drain) => tracing::warn!(seconds = drain.as_secs(), "stopped before all was finished"),
            name = next_signal() => bail!("ended at once by a second {name}"),
        }
        match died {
            Some(name) => bail!("the task {name:?} ended before its time: see the log above it"),
            None => Ok(()),
        }
    }
}
