//! Messages of ours: Kazoo's default headers around whatever is to be said.

use serde::Serialize;

use crate::envelope::Identity;

/// What a message is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) category: &'static str,
    pub(crate) name: &'static str,
}

#[derive(Serialize)]
struct Message<'a, B> {
    #[serde(rename = "Server-ID")]
    server_id: &'a str,
    #[serde(rename = "App-Name")]
    app_name: &'a str,
    #[serde(rename = "App-Version")]
    app_version: &'a str,
    #[serde(rename = "Node")]
    node: &'a str,
    #[serde(rename = "Msg-ID")]
    msg_id: &'a str,
    #[serde(rename = "Event-Category")]
    event_category: &'a str,
    #[serde(rename = "Event-Name")]
    event_name: &'a str,
    #[serde(flatten)]
    body: B,
}

/// The message as it goes out: one JSON object.
pub(crate) fn encode(
    kind: Kind,
    msg_id: &str,
    body: impl Serialize,
    identity: &Identity,
) -> Vec<u8> {
    let message = Message {
        server_id: identity.server_id(),
        app_name: Identity::APP_NAME,
        app_version: Identity::APP_VERSION,
        node: identity.node(),
        msg_id,
        event_category: kind.category,
        event_name: kind.name,
        body,
    };
    // Structs of strings, numbers and flags always serialise.
    serde_json::to_vec(&message).unwrap_or_default()
}
