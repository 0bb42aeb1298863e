//! The snapshot's file: read at the start, written from time to time and at the end, always whole.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use registrar::{Registrar, SnapshotError, read_snapshot, write_snapshot};
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

/// Records that are given to the table at once.
const BATCH: usize = 1000;

/// Takes in the snapshot, if there is one. One that cannot be used is left where it is, and the
/// start goes on without it.
pub fn restore(path: &Path, registrar: &Registrar) {
    let begun = Instant::now();
    match try_restore(path, registrar) {
        Ok(None) => tracing::info!(file = %path.display(), "there is no snapshot yet"),
        Ok(Some((records, restored))) => tracing::info!(
            file = %path.display(), records, restored, elapsed_ms = begun.elapsed().as_millis(),
            "the snapshot was restored"
        ),
        Err(error) => tracing::error!(
            file = %path.display(), %error,
            "the snapshot cannot be used; starting without it"
        ),
    }
}

fn try_restore(path: &Path, registrar: &Registrar) -> Result<Option<(u64, u64)>, SnapshotError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Once to see that all of it is sound, since damage may show at its very end, and once to take
    // it in: held whole in between it would need several times the table's memory.
    read_snapshot(&file, drop)?;
    let file = File::open(path)?;
    let mut batch = Vec::with_capacity(BATCH);
    let mut restored = 0;
    let (unreadable, records) = read_snapshot(file, |report| {
        batch.push(report);
        if batch.len() == BATCH {
            restored += registrar.restore(&batch);
            batch.clear();
        }
    })?;
    restored += registrar.restore(&batch);
    if unreadable > 0 {
        tracing::warn!(unreadable, "some records of the snapshot could not be read");
    }
    Ok(Some((records, restored)))
}

/// Writes the snapshot every `period`, until the stop.
pub async fn keep(
    path: PathBuf,
    registrar: Arc<Registrar>,
    period: Duration,
    stop: CancellationToken,
) {
    while tokio::time::timeout(period, stop.cancelled())
        .await
        .is_err()
    {
        let (to, registrar) = (path.clone(), Arc::clone(&registrar));
        let written = tokio::task::spawn_blocking(move || save(&to, &registrar)).await;
        if let Err(error) = written {
            tracing::error!(%error, "writing the snapshot panicked");
        }
    }
}

/// Writes the snapshot now.
pub fn save(path: &Path, registrar: &Registrar) {
    let begun = Instant::now();
    let file = path.display();
    match write(path, registrar) {
        Ok(records) => {
            tracing::debug!(%file, records, elapsed_ms = begun.elapsed().as_millis(), "the snapshot was written");
        }
        Err(error) => tracing::error!(%file, %error, "the snapshot could not be written"),
    }
}

/// Beside the file first, then in its place: whoever reads it finds the old or the new.
fn write(path: &Path, registrar: &Registrar) -> io::Result<u64> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(directory)?;
    let records = write_snapshot(registrar.all(), file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(directory)?.sync_all()?;
    Ok(records)
}
