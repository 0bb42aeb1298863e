//! What a message can be.

use registration::{Report, Text};

use crate::reply::Reply;

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `directory`/`reg_success`.
    Registration(Box<Report>),
    /// `directory`/`reg_flush`.
    Flush(Flush, Sender),
    /// `directory`/`reg_query`.
    Query(Box<Query>),
    /// An answer to what somebody asked.
    Reply(Box<Reply>),
    /// Any other: no concern of ours.
    Other,
}

/// A command to forget registrations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flush {
    /// Every registration of this realm,
    pub realm: Text,
    /// or this username's only.
    pub username: Option<Text>,
    /// Only the proxies' credential caches are meant; registrations stay.
    pub cache_only: bool,
}

/// A question who is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Registrations of this realm; `None` for all there are.
    pub realm: Option<Text>,
    /// This username's only.
    pub username: Option<Text>,
    /// Header names that are wanted; empty for all.
    pub fields: Vec<Text>,
    /// Only how many.
    pub count_only: bool,
    /// Server-ID: where the answer goes.
    pub reply_to: Text,
    /// Msg-ID: what the answer refers to.
    pub msg_id: Text,
}

/// Who sent a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Server-ID, where there was one.
    pub server_id: Option<Text>,
}

/// Bounds on what is read at all.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes a body may have.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 65_536,
        }
    }
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Larger than [`Limits::max_body_bytes`].
    #[error("the body has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// What it had.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Not UTF-8 in a place where that cannot be mended.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not JSON, or with a header twice.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A list of which more would have to be kept than is.
    #[error("the header {header} lists too many, at most {limit} are taken")]
    TooMany {
        /// Which header.
        header: &'static str,
        /// What is allowed.
        limit: usize,
    },
    /// A header that must be there is not.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header's value cannot be used.
    #[error("the header {header} is {value}, it takes {takes}")]
    BadValue {
        /// Which header.
        header: &'static str,
        /// What it held, shortened.
        value: String,
        /// What it takes.
        takes: &'static str,
    },
}

/// The most characters of an error that are repeated at either end.
const SHOWN: usize = 120;

impl Reject {
    /// What is wrong with JSON. It goes into a line of the log, but the error may hold whole headers.
    pub(crate) fn not_json(error: &serde_json::Error) -> Self {
        let said = error.to_string();
        let count = said.chars().count();
        if count <= 2 * SHOWN {
            return Self::NotJson(said);
        }
        let head = said.chars().take(SHOWN);
        let tail = said.chars().skip(count - SHOWN);
        Self::NotJson(head.chain(['…']).chain(tail).collect())
    }

    /// A short name to count by.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson(_) => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::TooMany { .. } => "too_many",
            Self::Missing(_) => "missing_header",
            Self::BadValue { .. } => "bad_value",
        }
    }
}
