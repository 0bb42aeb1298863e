//! A small disk for the snapshot, that can be full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// The snapshot's folder.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    /// Whether it is a file system of its own; else it is moved away instead of filled.
    mounted: bool,
}

impl Disk {
    /// A folder of 4 MB at `folder`, or a plain one if that cannot be mounted.
    pub fn new(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder)?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "rollcall-chaos"])
            .arg(&folder)
            .status();
        let mounted = status.is_ok_and(|status| status.success());
        Ok(Self { folder, mounted })
    }

    /// Whether it is a file system of its own.
    pub fn is_mounted(&self) -> bool {
        self.mounted
    }

    /// The snapshot's file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("table")
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn aside(&self) -> PathBuf {
        self.folder.with_extension("aside")
    }

    /// Nothing can be written from now on.
    pub fn fill(&self) -> anyhow::Result<()> {
        if !self.mounted {
            return fs::rename(&self.folder, self.aside()).context("cannot move the folder away");
        }
        let filled = fs::write(self.filler(), vec![7_u8; 8 << 20]);
        ensure!(filled.is_err(), "the disk is not full");
        Ok(())
    }

    /// There is space again.
    pub fn free(&self) -> anyhow::Result<()> {
        if self.mounted {
            remove(&self.filler())
        } else if self.aside().exists() {
            fs::rename(self.aside(), &self.folder).context("cannot move the folder back")
        } else {
            Ok(())
        }
    }

    /// Changes a byte in the middle of the snapshot, and cuts off its end. False if there is none.
    pub fn garble(&self, roll: u32) -> anyhow::Result<bool> {
        let Ok(mut bytes) = fs::read(self.file()) else {
            return Ok(false);
        };
        let at = roll as usize % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0x55;
        }
        if roll.is_multiple_of(2) {
            bytes.truncate(at);
        }
        fs::write(self.file(), bytes)?;
        Ok(true)
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: rollcall may have a file open there.
            let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        }
    }
}
