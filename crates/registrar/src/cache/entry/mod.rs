//! A registration in the cache: what is stored, what is found, what it shares with others.

mod fields;
mod found;
mod interner;
mod stored;
mod texts;

pub use found::EntryRef;
pub(super) use interner::Interner;
pub(crate) use {
    fields::{AccountFields, ProxyFields},
    stored::{Entry, EntryRecord},
};
