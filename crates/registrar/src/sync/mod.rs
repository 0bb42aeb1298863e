//! How a cold cache becomes warm: from the proxies' replays and from other registrars.

mod peers;
mod recovery;
mod replay;
mod resync;
pub(crate) mod snapshot;

pub(crate) use peers::Peers;
pub(crate) use recovery::Recovery;
pub use recovery::RecoverySettings;
pub(crate) use replay::Replay;
pub(crate) use resync::Resync;
pub use resync::{SyncError, Synced};
pub use snapshot::{Restored, Snapshot, SnapshotError};
