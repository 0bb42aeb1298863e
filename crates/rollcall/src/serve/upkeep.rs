//! What keeps the cache true beside the events: recovery, reconciliation, the directory, the
//! snapshot; and notices of what changes.

use std::sync::Arc;

use registrar::{ChangeListener, Directory, Notices, Registrar};

use super::snapshot;
use crate::{config::Config, lifecycle::Lifecycle};

/// The parts that listen to changes, before there is a registrar.
pub(super) struct Upkeep {
    notices: Option<Notices>,
    directory: Option<Directory>,
}

impl Upkeep {
    /// The parts that the configuration asks for, and their listeners.
    pub(super) fn new(config: &Config) -> (Self, Vec<ChangeListener>) {
        let mut listeners = Vec::new();
        let mut listen = |listener| listeners.push(listener);
        let told = config.notices.told;
        let notices = told.any().then(|| {
            let (notices, listener) = Notices::new(told);
            listen(listener);
            notices
        });
        let directory = config.directory.ask.then(|| {
            let (directory, listener) = Directory::new(config.directory.rate);
            listen(listener);
            directory
        });
        (Self { notices, directory }, listeners)
    }

    /// Sets all of it going. The snapshot has been read when this returns.
    pub(super) fn start(self, lifecycle: &Lifecycle, registrar: &Arc<Registrar>, config: &Config) {
        if let Some(file) = &config.snapshot.file {
            snapshot::restore(file, registrar);
            let (file, registrar) = (file.clone(), Arc::clone(registrar));
            let (period, stop) = (config.snapshot.interval, lifecycle.stop());
            lifecycle.run("snapshot", snapshot::keep(file, registrar, period, stop));
        }
        if let Some(notices) = self.notices {
            lifecycle.run_until_stop("notices", registrar.notify(notices));
        }
        if let Some(directory) = self.directory {
            lifecycle.run_until_stop("directory", registrar.identify(directory));
        }
        let (recovering, recovery) = (Arc::clone(registrar), config.recovery);
        lifecycle.run_until_stop(
            "recovery",
            async move { recovering.recover(recovery).await },
        );
        if let Some(settings) = config.reconcile {
            let reconciling = Arc::clone(registrar);
            lifecycle.run_until_stop("reconciliation", async move {
                reconciling.reconcile(settings).await;
            });
        }
    }
}
