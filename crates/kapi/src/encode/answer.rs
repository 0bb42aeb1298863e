//! Answers to `reg_query`, as Kazoo's `ecallmgr` gives them.

use registration::Registration;

use crate::{
    event::Query,
    fields::{Spelling, write_fields},
    identity::Identity,
    json::Object,
};

/// Askers wait for an answer from every node whose application has this name.
const APP_NAME: &str = "ecallmgr";

/// An answer to a query.
#[derive(Clone, Debug)]
pub enum Answer<I> {
    /// The registrations.
    Registrations(I),
    /// Only their number.
    Count(usize),
}

/// The body of the answer to `query`; `age` is this registrar's uptime in seconds.
///
/// Registrations are written straight into the body: a large cache has no room for them twice.
pub fn encode_answer(
    query: &Query,
    answer: Answer<impl Iterator<Item = Registration>>,
    age: u64,
    identity: &Identity,
) -> Vec<u8> {
    let is_wanted = |header: &str| {
        query.fields.is_empty() || query.fields.iter().any(|field| **field == *header)
    };
    let write = |registration: Registration, out: &mut Vec<u8>| {
        write_fields(&registration, Spelling::Amqp, is_wanted, out);
    };
    let mut body = Vec::new();
    let mut message = Object::begin(&mut body);
    // In Kazoo's order.
    message.value("Registrar-Age", &age);
    let mut event_name = "reg_query_resp";
    match answer {
        Answer::Registrations(registrations) => {
            let mut registrations = registrations.peekable();
            if registrations.peek().is_some() {
                message.list("Fields", registrations, write);
            } else {
                event_name = "reg_query_error";
            }
        }
        Answer::Count(count) => {
            message.list("Fields", std::iter::empty(), write);
            message.value("Count", &count);
        }
    }
    message.text("Node", identity.node());
    message.text("Msg-ID", &query.msg_id);
    message.text("Event-Name", event_name);
    message.text("Event-Category", "directory");
    message.text("App-Version", Identity::APP_VERSION);
    message.text("App-Name", APP_NAME);
    message.end();
    body
}
