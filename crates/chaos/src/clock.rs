//! Another clock for rollcall, by libfaketime (Debian's package `faketime`).

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// A program to be started instead of another, whose clock can be set while it runs.
#[derive(Clone, Debug)]
pub struct FakeClock {
    program: PathBuf,
    offset: PathBuf,
}

impl FakeClock {
    /// A clock for `program`, with files in `home`; `None` where libfaketime is not installed.
    pub fn around(program: &Path, home: &Path) -> anyhow::Result<Option<Self>> {
        let Some(library) = LIBRARIES.iter().find(|path| Path::new(path).exists()) else {
            return Ok(None);
        };
        let clock = Self {
            program: home.join("with-clock"),
            offset: home.join("clock"),
        };
        clock.step(0)?;
        // Only the time of day is another: heartbeats and timers go by the monotonic clock.
        let script = format!(
            "#!/bin/sh\nexport LD_PRELOAD='{library}' DONT_FAKE_MONOTONIC=1 FAKETIME_CACHE_DURATION=1 \
             FAKETIME_TIMESTAMP_FILE='{}'\nexec '{}' \"$@\"\n",
            clock.offset.display(),
            program.display()
        );
        fs::write(&clock.program, script)?;
        fs::set_permissions(&clock.program, fs::Permissions::from_mode(0o755))?;
        Ok(Some(clock))
    }

    /// What to start.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Sets the clock so many seconds off. Seen within a second.
    pub fn step(&self, seconds: i32) -> anyhow::Result<()> {
        let next = self.offset.with_extension("next");
        fs::write(&next, format!("{seconds:+}\n"))?;
        fs::rename(&next, &self.offset).context("cannot set the clock")
    }
}
