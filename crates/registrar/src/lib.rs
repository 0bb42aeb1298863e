//! The registrar: the table of who is registered, and the service around it.
//!
//! Events come in as bytes ([`Registrar::deliver`]), questions are answered from an index that
//! never scans the table ([`Registrar::list`], [`Registrar::count`]), and flushes go out through
//! the [`Bus`] port before the table forgets. Knows neither lapin nor actix.

mod accounts;
mod bus;
mod changes;
mod delivery;
mod flush;
mod index;
mod outcome;
mod repeats;
mod service;
mod table;

pub use accounts::{Accounts, Scope};
pub use bus::{Bus, BusFuture, Publication, Receipt};
pub use changes::{Change, ChangeKind, Watcher};
pub use delivery::Delivery;
pub use flush::{FlushError, Flushed};
pub use outcome::{Outcome, Stats};
pub use service::{Registrar, Settings};
pub use table::{Applied, Hearing, OnExpired, Table};
