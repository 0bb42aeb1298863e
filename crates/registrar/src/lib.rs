//! The registrar: the table of who is registered, and the service around it.
//!
//! Events come in as bytes ([`Registrar::deliver`]), questions are answered from an index that
//! never scans the table ([`Registrar::list`], [`Registrar::count`]), and flushes go out through
//! the [`Bus`] port before the table forgets. Knows neither lapin nor actix.

mod accounts;
mod bus;
mod capacity;
mod changes;
mod coalesce;
mod delivery;
mod directory;
mod division;
mod echoes;
#[cfg(test)]
mod fakes;
mod feed;
mod flush;
mod health;
mod index;
mod members;
mod notices;
mod orders;
mod outcome;
mod questions;
mod reconcile;
mod recovery;
mod repeats;
mod service;
mod share;
mod snapshot;
mod table;

pub use accounts::{Accounts, Scope};
pub use bus::{Bus, BusFuture, Publication, Receipt};
pub use capacity::Capacity;
pub use changes::{Change, ChangeKind, Watcher};
pub use delivery::Delivery;
pub use directory::Directory;
pub use division::{Division, DivisionError, PARTITIONS, Partitions, partition};
pub use feed::{Feed, Following, Told};
pub use flush::{FlushError, Flushed};
pub use health::{Health, LinkState, Round, Warmth, ZoneHealth};
pub use notices::{NoticeSettings, Notices};
pub use outcome::{Outcome, Stats};
pub use reconcile::ReconcileSettings;
pub use recovery::RecoverySettings;
pub use service::{Registrar, Settings};
pub use share::{MAX_GATHERED, Place, Unanswered};
pub use snapshot::{SnapshotError, read_snapshot, write_snapshot};
pub use table::{Applied, Hearing, OnExpired, Table};
