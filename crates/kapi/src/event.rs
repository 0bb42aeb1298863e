//! What a decoded message can be.

use registration::{AccountData, Registration, Report, Text};

/// A decoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `directory`/`reg_success`.
    Registration(Box<Report>),
    /// `directory`/`reg_flush`.
    Flush(Flush, Sender),
    /// `directory`/`reg_query`.
    Query(Box<Query>),
    /// An answer to a question.
    Reply(Box<Reply>),
    /// Any other message; it does not concern a registrar.
    Other,
}

/// A command to forget registrations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flush {
    /// Every registration of this realm,
    pub realm: Text,
    /// or only those of this username.
    pub username: Option<Text>,
    /// Only the proxies' credential caches are meant; registrations stay.
    pub cache_only: bool,
}

/// The sender of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Its Server-ID, if the message has one.
    pub server_id: Option<Text>,
}

/// A question: who is registered?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Registrations of this realm; `None` for all.
    pub realm: Option<Text>,
    /// Only those of this username.
    pub username: Option<Text>,
    /// Header names that are wanted; empty for all.
    pub fields: Vec<Text>,
    /// Only the number is wanted.
    pub count_only: bool,
    /// Server-ID to answer to.
    pub reply_to: Text,
    /// Msg-ID that the answer repeats.
    pub msg_id: Text,
    /// The asker's node.
    pub node: Option<Text>,
}

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Msg-ID of the question.
    pub msg_id: Text,
    /// The answering node.
    pub node: Option<Text>,
    /// The answer.
    pub content: Content,
}

/// The content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A proxy holds these bindings, among others.
    Found(Vec<Found>),
    /// A proxy has sent all parts, though some may still be on their way.
    EndOfSearch,
    /// Another registrar has these registrations.
    Registrations {
        /// One report for each.
        records: Vec<Report>,
        /// Realms, if only those were asked for.
        realms: Vec<String>,
        /// Their number, if only that was asked for.
        count: Option<u64>,
        /// The number of records that could not be read.
        unreadable: usize,
    },
    /// Another registrar has no registrations.
    NoRegistrations,
    /// The directory knows the device.
    Device(Box<Device>),
    /// The directory does not know the device.
    UnknownDevice,
}

/// A binding that a proxy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// In a summary.
    Aor {
        /// SIP username.
        username: Text,
        /// SIP realm.
        realm: Text,
    },
    /// In detail.
    Binding(Box<Report>),
}

/// What the directory knows of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its account.
    pub account: AccountData,
    /// Whether the end of its registration goes unannounced.
    pub suppress_unregister_notify: Option<bool>,
    /// Whether another phone on the AOR is announced.
    pub register_overwrite_notify: Option<bool>,
}

impl Device {
    /// Whether it has account data that `registration` lacks.
    pub fn adds_to(&self, registration: &Registration) -> bool {
        let (known, told) = (&registration.account, &self.account);
        known.id.is_none() && told.id.is_some()
            || known.authorizing_id.is_none() && told.authorizing_id.is_some()
    }
}
