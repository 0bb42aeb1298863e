//! Questions to others: proxies, other registrars, the directory.

use registration::Text;

use super::message::encode;
use crate::{identity::Identity, json::write_text};

/// How much of each binding a search asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchType {
    /// Only the AOR.
    Summary,
    /// Contact, times and the rest.
    Detail,
}

/// A question to every proxy: which bindings does it hold?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// How much to tell of each.
    pub kind: SearchType,
    /// Bindings of this realm.
    pub realm: Text,
    /// Only of this username.
    pub username: Option<Text>,
}

/// The body of a `search_req`.
pub fn encode_search(search: &Search, msg_id: &str, identity: &Identity) -> Vec<u8> {
    let search_type = match search.kind {
        SearchType::Summary => "summary",
        SearchType::Detail => "detail",
    };
    encode(
        ("registration", "search_req"),
        msg_id,
        identity,
        |message| {
            message.text("Search-Type", search_type);
            message.text("Realm", &search.realm);
            message.maybe("Username", search.username.as_deref());
        },
    )
}

/// The body of a `reg_sync`: proxies replay their registrations.
pub fn encode_sync(identity: &Identity) -> Vec<u8> {
    let msg_id = Identity::message_id();
    encode(("directory", "reg_sync"), &msg_id, identity, |_| {})
}

/// A question to other registrars: who is registered?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerQuestion {
    /// In this realm; `None` for all.
    pub realm: Option<Text>,
    /// Header names that are wanted; empty for all.
    pub fields: Vec<&'static str>,
    /// Ask only for the number of registrations.
    pub count_only: bool,
}

/// The body of a `reg_query`.
pub fn encode_query(question: &PeerQuestion, msg_id: &str, identity: &Identity) -> Vec<u8> {
    let realm = question.realm.as_deref().unwrap_or("all");
    encode(("directory", "reg_query"), msg_id, identity, |message| {
        message.text("Realm", realm);
        message.list("Fields", question.fields.iter(), |name, out| {
            write_text(name, out);
        });
        if question.count_only {
            message.value("Count-Only", &true);
        }
    })
}

/// The body of an `authn_req`, which asks the directory whose device a username is.
pub fn encode_authn(username: &str, realm: &str, msg_id: &str, identity: &Identity) -> Vec<u8> {
    let aor = format!("{username}@{realm}");
    encode(("directory", "authn_req"), msg_id, identity, |message| {
        message.text("Method", "REGISTER");
        message.text("Auth-User", username);
        message.text("Auth-Realm", realm);
        message.text("From", &aor);
        message.text("To", &aor);
        message.text("Orig-IP", "0.0.0.0");
        message.text("Orig-Port", "0");
    })
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
