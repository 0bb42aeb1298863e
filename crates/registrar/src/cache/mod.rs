//! Who is registered, who was a short time ago, and how that changes.

mod capacity;
mod change;
mod ended;
mod entry;
mod find;
mod index;
mod judge;
mod live;
mod locks;
mod restore;

#[cfg(test)]
mod tests;

pub use capacity::Capacity;
pub use change::{Change, ChangeKind, ChangeListener};
pub use entry::EntryRef;
pub(crate) use entry::{AccountFields, Entry, EntryRecord, ProxyFields};
pub use judge::ReportContext;
pub use live::Cache;
pub use restore::RestoredEntry;
