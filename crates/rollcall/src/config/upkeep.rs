//! `[recovery]`, `[reconcile]`, `[snapshot]`, `[notices]`, `[directory]`: keeping the cache true,
//! and telling others.

use std::{path::PathBuf, time::Duration};

use registrar::{NoticeSettings, ReconcileSettings, RecoverySettings};

use super::reader::Reader;

/// Reads `[recovery]`.
pub(super) fn recovery(r: &mut Reader) -> RecoverySettings {
    RecoverySettings {
        sync: r.flag("recovery.sync", true),
        peers: r.flag("recovery.peers", true),
        limit: r.seconds("recovery.timeout", 5..=600, 30),
    }
}

/// Reads `[reconcile]`; `None` for no rounds at all.
pub(super) fn reconcile(r: &mut Reader) -> Option<ReconcileSettings> {
    let settings = ReconcileSettings {
        interval: r.seconds("reconcile.interval", 0..=86_400, 120),
        rate: r.number("reconcile.rate", "realms a second", 1..=1000, 10),
    };
    (!settings.interval.is_zero()).then_some(settings)
}

/// `[snapshot]`
#[derive(Debug)]
pub struct Snapshot {
    /// Where registrations are kept between starts.
    pub file: Option<PathBuf>,
    /// How often it is written.
    pub interval: Duration,
}

impl Snapshot {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            file: r.path("snapshot.file"),
            interval: r.seconds("snapshot.interval", 5..=86_400, 300),
        }
    }
}

/// `[notices]`
#[derive(Debug)]
pub struct Notices {
    /// Which changes are told.
    pub told: NoticeSettings,
    /// Whether a phone whose username is flushed is told to register again.
    pub check_sync: bool,
}

impl Notices {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            told: NoticeSettings {
                register: r.flag("notices.register", false),
                deregister: r.flag("notices.deregister", false),
                overwrite: r.flag("notices.overwrite", false),
            },
            check_sync: r.flag("notices.check_sync", true),
        }
    }
}

/// `[directory]`
#[derive(Debug)]
pub struct Directory {
    /// Whether it is asked whose phone it is, where the event did not say.
    pub ask: bool,
    /// Questions a second.
    pub rate: u32,
}

impl Directory {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            rate: r.number("directory.rate", "questions a second", 1..=1000, 20),
            ask: r.flag("directory.ask", true),
        }
    }
}
