//! How a cold cache becomes warm: from the proxies' replays, from other registrars, from a snapshot.

mod peers;
mod replay;
pub(crate) mod snapshot;
mod synchroniser;

pub(crate) use replay::Replay;
pub use snapshot::{Restored, Snapshot, SnapshotError};
pub(crate) use synchroniser::Synchroniser;
pub use synchroniser::{RecoverySettings, SyncError, Synced};
