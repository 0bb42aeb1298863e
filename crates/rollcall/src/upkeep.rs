//! What keeps the table true beside the events: recovery, reconciliation, the directory, the
//! snapshot; and notices of what changes.

use std::sync::Arc;

use registrar::{Directory, Notices, ReconcileSettings, RecoverySettings, Registrar, Watcher};

use crate::{config::Config, life::Life, snapshot};

/// The parts that watch the table, before there is one.
pub struct Upkeep {
    notices: Option<Notices>,
    directory: Option<Directory>,
}

impl Upkeep {
    /// The parts that the configuration asks for, and their watchers.
    pub fn new(config: &Config) -> (Self, Vec<Watcher>) {
        let mut watchers = Vec::new();
        let told = config.notices.told;
        let notices = told
            .any()
            .then(|| Notices::new(told))
            .map(|(notices, watcher)| {
                watchers.push(watcher);
                notices
            });
        let directory = config
            .directory
            .ask
            .then(|| Directory::new(config.directory.rate))
            .map(|(directory, watcher)| {
                watchers.push(watcher);
                directory
            });
        (Self { notices, directory }, watchers)
    }

    /// Sets all of it going. The snapshot has been read when this returns.
    pub fn start(self, life: &Life, registrar: &Arc<Registrar>, config: &Config) {
        if let Some(file) = &config.snapshot.file {
            snapshot::restore(file, registrar);
            let (file, registrar) = (file.clone(), Arc::clone(registrar));
            let (period, stop) = (config.snapshot.interval, life.stop());
            life.run("snapshot", snapshot::keep(file, registrar, period, stop));
        }
        if let Some(notices) = self.notices {
            life.until_stop("notices", notices.send(Arc::clone(registrar)));
        }
        if let Some(directory) = self.directory {
            life.until_stop("directory", directory.ask(Arc::clone(registrar)));
        }
        let recovery = RecoverySettings {
            sync: config.recovery.sync,
            peers: config.recovery.peers,
            limit: config.recovery.timeout,
        };
        let recovering = Arc::clone(registrar);
        life.until_stop(
            "recovery",
            async move { recovering.recover(recovery).await },
        );
        if let Some(interval) = config.reconcile.interval {
            let rate = config.reconcile.rate;
            let settings = ReconcileSettings { interval, rate };
            let reconciling = Arc::clone(registrar);
            life.until_stop("reconciliation", async move {
                reconciling.reconcile(settings).await;
            });
        }
    }
}
