//! What we ask others: proxies, other registrars, the directory.

use registration::Text;
use serde::Serialize;

use crate::{
    encode::key,
    envelope::Identity,
    message::{Kind, encode},
};

/// Routing key of the request that proxies replay their registrations.
pub const SYNC_KEY: &str = "registration.sync";

/// How much of each binding a search is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchType {
    /// Only whose it is.
    Summary,
    /// Contact, times and the rest.
    Detail,
}

/// A question to every proxy which bindings it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// How much is asked.
    pub kind: SearchType,
    /// In this realm.
    pub realm: Text,
    /// Of this username only.
    pub username: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SearchBody<'a> {
    #[serde(rename = "Search-Type")]
    search_type: &'a str,
    realm: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
}

/// The body of a `search_req`.
pub fn encode_search(search: &Search, msg_id: &str, identity: &Identity) -> Vec<u8> {
    let kind = Kind {
        category: "registration",
        name: "search_req",
    };
    let body = SearchBody {
        search_type: match search.kind {
            SearchType::Summary => "summary",
            SearchType::Detail => "detail",
        },
        realm: &search.realm,
        username: search.username.as_deref(),
    };
    encode(kind, msg_id, body, identity)
}

/// The routing key of a `search_req`.
pub fn search_key(realm: &str) -> String {
    key("registration.search_req", &[realm])
}

#[derive(Serialize)]
struct Nothing {}

/// The body of a `reg_sync`.
pub fn encode_sync(identity: &Identity) -> Vec<u8> {
    let kind = Kind {
        category: "directory",
        name: "reg_sync",
    };
    encode(kind, &Identity::message_id(), Nothing {}, identity)
}

/// A question to other registrars who is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerQuestion {
    /// In this realm; `None` for all.
    pub realm: Option<Text>,
    /// Header names that are wanted; empty for all.
    pub fields: Vec<&'static str>,
    /// Only how many.
    pub count_only: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PeerBody<'a> {
    realm: &'a str,
    fields: &'a [&'static str],
    #[serde(rename = "Count-Only", skip_serializing_if = "std::ops::Not::not")]
    count_only: bool,
}

/// The body of a `reg_query`.
pub fn encode_query(question: &PeerQuestion, msg_id: &str, identity: &Identity) -> Vec<u8> {
    let kind = Kind {
        category: "directory",
        name: "reg_query",
    };
    let body = PeerBody {
        realm: question.realm.as_deref().unwrap_or("all"),
        fields: &question.fields,
        count_only: question.count_only,
    };
    encode(kind, msg_id, body, identity)
}

/// The routing key of a `reg_query` of a realm, or of all.
pub fn query_key(realm: Option<&str>) -> String {
    key("registration.query", &[realm.unwrap_or("all"), "*"])
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AuthnBody<'a> {
    method: &'a str,
    #[serde(rename = "Auth-User")]
    auth_user: &'a str,
    #[serde(rename = "Auth-Realm")]
    auth_realm: &'a str,
    from: &'a str,
    to: &'a str,
    #[serde(rename = "Orig-IP")]
    orig_ip: &'a str,
    #[serde(rename = "Orig-Port")]
    orig_port: &'a str,
}

/// The body of an `authn_req`: whose device a username is.
pub fn encode_authn(username: &str, realm: &str, msg_id: &str, identity: &Identity) -> Vec<u8> {
    let kind = Kind {
        category: "directory",
        name: "authn_req",
    };
    let aor = format!("{username}@{realm}");
    let body = AuthnBody {
        method: "REGISTER",
        auth_user: username,
        auth_realm: realm,
        from: &aor,
        to: &aor,
        orig_ip: "0.0.0.0",
        orig_port: "0",
    };
    encode(kind, msg_id, body, identity)
}

/// Exchanges and routing keys that directories listen on: proxies ask by the first, Kazoo's own
/// nodes by the second.
pub fn authn_routes(realm: &str) -> [(&'static str, String); 2] {
    [
        (
            crate::REGISTRAR_EXCHANGE,
            key("authn.endpoint.req", &[realm]),
        ),
        (crate::CALLMGR_EXCHANGE, key("authn.req", &[realm])),
    ]
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
