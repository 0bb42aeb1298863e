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
mod wire;

pub use decode::decode;
pub use encode::{encode_segment, flush_key, success_key};
pub use envelope::{Identity, IdentityError, MAX_SERVER_ID_BYTES};
pub use event::{Event, Flush, Limits, Reject, Sender};
pub use fields::{Spelling, write_json};
pub use flush::encode_flush;

/// The topic exchange that registration events and flushes go through.
pub const REGISTRAR_EXCHANGE: &str = "registrar";
/// Binding that takes every registration event.
pub const SUCCESS_BINDING: &str = "registration.success.*.*";
/// Binding that takes every flush.
pub const FLUSH_BINDING: &str = "registration.flush.*";
