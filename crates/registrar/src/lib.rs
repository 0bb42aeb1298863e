//! The registrar: the cache of registrations, and the service around it.
//!
//! Events come in as bytes ([`Registrar::deliver`]), questions are answered from an index that
//! never scans the cache ([`Registrar::list`], [`Registrar::count`]), and flushes go out through
//! the [`Bus`] port before the cache forgets. Knows neither lapin nor actix.

mod accounts;
mod bus;
mod cache;
mod context;
mod directory;
#[cfg(test)]
mod fakes;
mod feed;
mod flush;
mod health;
mod ingest;
mod metrics;
mod notices;
mod outcome;
mod query;
mod reconcile;
mod registrar;
mod sync;

pub use accounts::{Accounts, Scope};
pub use bus::{Bus, BusFuture, Publication, PublishFailure, Receipt};
pub use cache::{
    Cache, Capacity, Change, ChangeKind, ChangeListener, EntryRef, ReportContext, RestoredEntry,
};
pub use context::Settings;
pub use directory::Directory;
pub use feed::{Feed, FeedEvent, FeedSubscription};
pub use flush::{FlushError, Flushed, Flusher};
pub use health::{Health, LinkState, Round, SyncState, ZoneHealth};
pub use ingest::Delivery;
pub use metrics::Metrics;
pub use notices::{NoticeSettings, Notices};
pub use outcome::Outcome;
pub use query::{MAX_ANSWERED, TooManyToAnswer};
pub use reconcile::ReconcileSettings;
pub use registrar::Registrar;
pub use sync::{RecoverySettings, Restored, Snapshot, SnapshotError, SyncError, Synced};
