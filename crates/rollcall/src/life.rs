//! The life of the process: tasks, signals, and an orderly end.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use registrar::Registrar;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often the memory of what has expired is reclaimed.
const SWEEP_PERIOD: Duration = Duration::from_millis(500);

/// The tasks that run beside the server, and the word to stop.
pub struct Life {
    stop: CancellationToken,
    tracker: TaskTracker,
    before_drain: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    died: mpsc::Sender<&'static str>,
    deaths: mpsc::Receiver<&'static str>,
}

impl Default for Life {
    fn default() -> Self {
        let (died, deaths) = mpsc::channel(1);
        Self {
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            before_drain: Mutex::default(),
            died,
            deaths,
        }
    }
}

impl Life {
    /// Told when everything is to stop.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Does this once it is known that the process is to stop, before it is waited for that requests
    /// finish.
    pub fn before_drain(&self, then: impl FnOnce() + Send + 'static) {
        let mut all = self
            .before_drain
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.push(Box::new(then));
    }

    /// Keeps count of tasks that have to finish before the process ends.
    pub fn tracker(&self) -> &TaskTracker {
        &self.tracker
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

    /// Does what a registrar needs from time to time.
    pub fn tend(&self, registrar: &Arc<Registrar>) {
        let (sweeping, stop) = (Arc::clone(registrar), self.stop.clone());
        self.run("sweep", async move {
            while stop
                .run_until_cancelled(tokio::time::sleep(SWEEP_PERIOD))
                .await
                .is_some()
            {
                let sweeping = Arc::clone(&sweeping);
                // After a start from a snapshot it may take a while.
                if let Err(error) = tokio::task::spawn_blocking(move || sweeping.sweep()).await {
                    tracing::error!(%error, "sweeping panicked");
                    return;
                }
            }
        });
        let repeating = Arc::clone(registrar);
        self.until_stop(
            "repeat flushes",
            async move { repeating.repeat_flushes().await },
        );
    }

    /// Runs a task that never ends by itself, and cuts it off at the stop.
    pub fn until_stop(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
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
        let mut signals = Signals::listen()?;
        let handle = server.handle();
        let mut server = tokio::spawn(server);
        let died = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping");
                None
            }
            ended = &mut server => {
                ended.context("the HTTP server panicked")?.context("the HTTP server failed")?;
                bail!("the HTTP server ended by itself");
            }
            name = self.deaths.recv() => name,
        };
        let before_drain = std::mem::take(&mut self.before_drain);
        let before_drain = before_drain
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for then in before_drain {
            then();
        }
        let drained = async {
            handle.stop(true).await;
            self.stop.cancel();
            self.tracker.close();
            self.tracker.wait().await;
        };
        tokio::select! {
            () = drained => tracing::info!("stopped"),
            () = tokio::time::sleep(drain) => tracing::warn!(seconds = drain.as_secs(), "stopped before all was finished"),
            name = signals.next() => bail!("ended at once by a second {name}"),
        }
        match died {
            Some(name) => bail!("the task {name:?} ended before its time: see the log above it"),
            None => Ok(()),
        }
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
