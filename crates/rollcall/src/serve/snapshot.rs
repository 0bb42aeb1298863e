//! The snapshot's file: read at the start, written periodically and at the end, always whole.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use registrar::{Registrar, Restored, SnapshotError};
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

/// Takes in the snapshot, if there is one. One that cannot be used is left where it is, and the
/// start goes on without it.
pub fn restore(path: &Path, registrar: &Registrar) {
    let begun = Instant::now();
    match try_restore(path, registrar) {
        Ok(None) => tracing::info!(file = %path.display(), "there is no snapshot yet"),
        Ok(Some(Restored { found, taken_in })) => tracing::info!(
            file = %path.display(), records = found, restored = taken_in,
            elapsed_ms = begun.elapsed().as_millis(),
            "the snapshot was restored"
        ),
        Err(error) => tracing::error!(
            file = %path.display(), %error,
            "the snapshot cannot be used; starting without it"
        ),
    }
}

fn try_restore(path: &Path, registrar: &Registrar) -> Result<Option<Restored>, SnapshotError> {
    match File::open(path) {
        Ok(file) => registrar.restore(file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
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

/// Writes a file beside it first, then puts that in its place: a reader finds the old or the new.
fn write(path: &Path, registrar: &Registrar) -> io::Result<u64> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(directory)?;
    let records = registrar.write_snapshot(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(directory)?.sync_all()?;
    Ok(records)
}
