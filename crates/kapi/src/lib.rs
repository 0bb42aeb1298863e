//! Kazoo's messages (its "kapi"): bytes to typed events and back.
//!
//! Knows the names of headers, routing keys and JSON fields; knows nothing of brokers or caches.

mod decode;
mod encode;
mod event;
mod fields;
pub mod fingerprint;
mod identity;
mod json;
mod routing;

pub use decode::{Limits, Reject, decode};
pub use encode::{
    Answer, Notice, PeerQuestion, Search, SearchType, encode_answer, encode_authn, encode_flush,
    encode_notice, encode_query, encode_search, encode_sync,
};
pub use event::{Content, Device, Event, Flush, Found, Query, Reply, Sender};
pub use fields::{Field, HTTP_FIELDS, Spelling, visit_fields, write_fields, write_json};
pub use fingerprint::Scan;
pub use identity::{Identity, IdentityError, MAX_SERVER_ID_BYTES};
pub use json::{Value, write_text};
pub use routing::{
    CALLMGR_EXCHANGE, FLUSH_BINDING, NOTIFICATIONS_EXCHANGE, PRESENCE_EXCHANGE, QUERY_BINDING,
    REGISTRAR_EXCHANGE, SUCCESS_BINDING, SWITCH_EXCHANGE, SYNC_KEY, TARGETED_EXCHANGE,
    authn_routes, encode_segment, flush_key, query_key, search_key, success_key,
};
