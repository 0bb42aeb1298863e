//! Kazoo's messages (its "kapi"): bytes to typed events and back.
//!
//! Knows the names of headers, routing keys and JSON fields; knows nothing of brokers or tables.

mod decode;
mod encode;
mod envelope;
mod event;
mod fields;
mod flush;
mod lenient;
mod query;
mod wire;

pub use decode::decode;
pub use encode::{encode_segment, flush_key, success_key};
pub use envelope::{Identity, IdentityError, MAX_SERVER_ID_BYTES};
pub use event::{Event, Flush, Limits, Query, Reject, Sender};
pub use fields::{Spelling, write_fields, write_json};
pub use flush::encode_flush;
pub use query::{Answer, encode_answer};

/// The topic exchange that registration events and flushes go through.
pub const REGISTRAR_EXCHANGE: &str = "registrar";
/// The direct exchange that answers go through, by the asker's Server-ID.
pub const TARGETED_EXCHANGE: &str = "targeted";
/// Binding that takes every question who is registered.
pub const QUERY_BINDING: &str = "registration.query.*.*";
/// Binding that takes every registration event.
pub const SUCCESS_BINDING: &str = "registration.success.*.*";
/// Binding that takes every flush.
pub const FLUSH_BINDING: &str = "registration.flush.*";
