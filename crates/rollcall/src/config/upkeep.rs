//! `[recovery]`, `[reconcile]`, `[snapshot]`, `[notices]`, `[directory]`: keeping the table true,
//! and telling others.

use std::{path::PathBuf, time::Duration};

use registrar::NoticeSettings;

use super::{narrow, reader::Reader};

/// `[recovery]`
#[derive(Debug)]
pub struct Recovery {
    /// Whether proxies are asked to replay what they hold.
    pub sync: bool,
    /// Whether other registrars are asked what they have.
    pub peers: bool,
    /// How long a zone may be cold, whoever has not answered.
    pub timeout: Duration,
}

impl Recovery {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            sync: r.flag("recovery.sync", true),
            peers: r.flag("recovery.peers", true),
            timeout: seconds(r, "recovery.timeout", 5, 600, 30),
        }
    }
}

/// `[reconcile]`
#[derive(Debug)]
pub struct Reconcile {
    /// From the begin of one round to that of the next; `None` for no rounds at all.
    pub interval: Option<Duration>,
    /// Realms that are asked for, a second.
    pub rate: u32,
}

impl Reconcile {
    pub(super) fn read(r: &mut Reader) -> Self {
        let interval = seconds(r, "reconcile.interval", 0, 86_400, 120);
        let rate = r.number("reconcile.rate", "realms a second", 1..=1000, 10);
        Self {
            interval: Some(interval).filter(|interval| !interval.is_zero()),
            rate: narrow(rate, u32::MAX),
        }
    }
}

/// `[snapshot]`
#[derive(Debug)]
pub struct Snapshot {
    /// Where the table is kept between starts.
    pub file: Option<PathBuf>,
    /// How often it is written.
    pub interval: Duration,
}

impl Snapshot {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            file: r.path("snapshot.file"),
            interval: seconds(r, "snapshot.interval", 5, 86_400, 300),
        }
    }
}

/// `[notices]`
#[derive(Debug)]
pub struct Notices {
    /// Which changes are told.
    pub told: NoticeSettings,
    /// Whether a phone whose username is flushed is told to register anew.
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
        let rate = r.number("directory.rate", "questions a second", 1..=1000, 20);
        Self {
            ask: r.flag("directory.ask", true),
            rate: narrow(rate, u32::MAX),
        }
    }
}

fn seconds(r: &mut Reader, key: &str, min: u64, max: u64, default: u64) -> Duration {
    Duration::from_secs(r.number(key, "seconds", min..=max, default))
}
