//! Kazoo's messages (its "kapi"): bytes to typed events and back.
//!
//! Knows the names of headers, routing keys and JSON fields; knows nothing of brokers or tables.

mod ask;
mod decode;
mod encode;
mod envelope;
mod event;
mod fields;
mod flush;
mod keys;
mod lenient;
mod message;
mod notice;
mod query;
mod reply;
mod skim;
mod wire;

pub use ask::{
    PeerQuestion, SYNC_KEY, Search, SearchType, authn_routes, encode_authn, encode_query,
    encode_search, encode_sync, query_key, search_key,
};
pub use decode::decode;
pub use encode::{encode_segment, flush_key, success_key};
pub use envelope::{Identity, IdentityError, MAX_SERVER_ID_BYTES};
pub use event::{Event, Flush, Limits, Query, Reject, Sender};
pub use fields::{
    Field, HTTP_FIELDS, Spelling, Value, visit_fields, write_fields, write_json, write_text,
};
pub use flush::encode_flush;
pub use notice::{Notice, encode_notice};
pub use query::{Answer, encode_answer};
pub use reply::{Content, Device, Found, Reply};
pub use skim::{Glance, Skim, glance};

/// The topic exchange that registration events and flushes go through.
pub const REGISTRAR_EXCHANGE: &str = "registrar";
/// The direct exchange that answers go through, by the asker's Server-ID.
pub const TARGETED_EXCHANGE: &str = "targeted";
/// The topic exchange that Kazoo's own nodes ask its directory through.
pub const CALLMGR_EXCHANGE: &str = "callmgr";
/// The topic exchange of notices to people.
pub const NOTIFICATIONS_EXCHANGE: &str = "notifications";
/// The topic exchange of presence, and of notices of overwritten registrations.
pub const PRESENCE_EXCHANGE: &str = "presence";
/// The topic exchange of commands to switches, which pass them on to phones.
pub const SWITCH_EXCHANGE: &str = "switch";
/// Binding that takes every question who is registered.
pub const QUERY_BINDING: &str = "registration.query.*.*";
/// Binding that takes every registration event.
pub const SUCCESS_BINDING: &str = "registration.success.*.*";
/// Binding that takes every flush.
pub const FLUSH_BINDING: &str = "registration.flush.*";
