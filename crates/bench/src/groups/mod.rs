//! The groups of rows, a file each.

mod bare;
mod broker;
mod expiry;
mod flush;
mod http;
mod ingest;
mod memory;
mod snapshot;

use crate::{plan::Plan, report::Row};

/// What a group is measured by.
pub type Measure = fn(&Plan) -> anyhow::Result<Vec<Row>>;

/// The groups by name, in the order in which they are measured.
pub const GROUPS: [(&str, Measure); 7] = [
    ("ingest", ingest::rows),
    ("memory", memory::rows),
    ("flush", flush::rows),
    ("expiry", expiry::rows),
    ("snapshot", snapshot::rows),
    ("http", http::rows),
    ("broker", broker::rows),
];

/// What a child process does.
pub(crate) use {bare::consume, http::server, memory::fill};
