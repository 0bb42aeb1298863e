//! The registrar: the table of registrations, and the service around it.
//!
//! Events come in as bytes ([`Registrar::deliver`]), questions are answered from an index that
//! never scans the table ([`Registrar::list`], [`Registrar::count`]), and flushes go out through
//! the [`Bus`] port before the table forgets. Knows neither lapin nor actix.

mod accounts;
mod bus;
mod capacity;
mod changes;
mod content;
mod context;
mod directory;
#[cfg(test)]
mod fakes;
mod feed;
mod fetch;
mod flush;
mod health;
mod held;
mod index;
mod ingest;
mod lease;
mod metrics;
mod notices;
mod outcome;
mod packed;
mod pool;
mod query;
mod reconcile;
mod registrar;
mod restore;
mod shared;
mod slot;
mod slots;
mod snapshot;
mod sync;
mod table;

pub use accounts::{Accounts, Scope};
pub use bus::{Bus, BusFuture, Publication, PublishFailure, Receipt};
pub use capacity::Capacity;
pub use changes::{Change, ChangeKind, ChangeListener};
pub use content::content_of;
pub use context::Settings;
pub use directory::Directory;
pub use feed::{Feed, FeedEvent, FeedSubscription};
pub use flush::{FlushError, Flushed};
pub use health::{Health, LinkState, Round, SyncState, ZoneHealth};
pub use held::Held;
pub use ingest::Delivery;
pub use metrics::Metrics;
pub use notices::{NoticeSettings, Notices};
pub use outcome::Outcome;
pub use query::{MAX_ANSWERED, TooManyToAnswer};
pub use reconcile::ReconcileSettings;
pub use registrar::Registrar;
pub use restore::Restored;
pub use snapshot::SnapshotError;
pub use sync::{RecoverySettings, SyncError, Synced};
pub use table::{Applied, Approach, Hearing, Mark, OnExpired, Refreshed, Table, ToBeJudged};
