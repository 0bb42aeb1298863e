//! Kazoo's default headers, which begin every message of ours.

use crate::{identity::Identity, json::Object};

/// Event-Category and Event-Name: what kind of message it is.
pub(crate) type Kind = (&'static str, &'static str);

/// The body of a message; `headers` appends its own headers to the default ones.
pub(crate) fn encode(
    (category, name): Kind,
    msg_id: &str,
    identity: &Identity,
    headers: impl FnOnce(&mut Object<'_>),
) -> Vec<u8> {
    let mut body = Vec::new();
    let mut message = Object::begin(&mut body);
    message.text("Server-ID", identity.server_id());
    message.text("App-Name", Identity::APP_NAME);
    message.text("App-Version", Identity::APP_VERSION);
    message.text("Node", identity.node());
    message.text("Msg-ID", msg_id);
    message.text("Event-Category", category);
    message.text("Event-Name", name);
    headers(&mut message);
    message.end();
    body
}
