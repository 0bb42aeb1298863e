//! The registrar: the table of who is registered, and the service around it.
//!
//! Events come in as bytes ([`Registrar::deliver`]), questions are answered from an index that
//! never scans the table ([`Registrar::list`], [`Registrar::count`]), and flushes go out through
//! the [`Bus`] port before the table forgets. Knows neither lapin nor actix.

mod accounts;
mod anew;
mod bus;
mod capacity;
mod census;
mod changes;
mod coalesce;
mod content;
mod delivery;
mod directory;
mod echoes;
#[cfg(test)]
mod fakes;
mod feed;
mod fetch;
mod flush;
mod health;
mod held;
mod index;
mod lease;
mod meter;
mod notices;
mod orders;
mod outcome;
mod packed;
mod pool;
mod questions;
mod reads;
mod reconcile;
mod recovery;
mod repeats;
mod restore;
mod service;
mod shared;
mod slot;
mod slots;
mod snapshot;
mod table;

pub use accounts::{Accounts, Scope};
pub use anew::{SyncError, Synced};
pub use bus::{Bus, BusFuture, Publication, Receipt};
pub use capacity::Capacity;
pub use census::Census;
pub use changes::{Change, ChangeKind, Watcher};
pub use content::content_of;
pub use delivery::Delivery;
pub use directory::Directory;
pub use feed::{Feed, Following, Told};
pub use flush::{FlushError, Flushed};
pub use health::{Health, LinkState, Round, Warmth, ZoneHealth};
pub use held::Held;
pub use meter::{Histogram, Meter};
pub use notices::{NoticeSettings, Notices};
pub use outcome::{Outcome, Stats};
pub use reads::{MAX_ANSWERED, TooManyToAnswer};
pub use reconcile::ReconcileSettings;
pub use recovery::RecoverySettings;
pub use restore::Restored;
pub use service::{Registrar, Settings};
pub use snapshot::SnapshotError;
pub use table::{Applied, Approach, Hearing, Mark, OnExpired, Refreshed, Table, ToBeJudged};
