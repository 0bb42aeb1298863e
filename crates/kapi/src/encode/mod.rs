//! Messages of ours to bytes.

mod answer;
mod flush;
mod message;
mod notice;
mod question;

pub use answer::{Answer, encode_answer};
pub use flush::encode_flush;
pub use notice::{Notice, encode_notice};
pub use question::{
    PeerQuestion, Search, SearchType, encode_authn, encode_query, encode_search, encode_sync,
};
