//! Answers to `reg_query`, as Kazoo's `ecallmgr` gives them.

use registration::Registration;
use serde::Serialize;

use crate::{
    envelope::Identity,
    event::Query,
    fields::{Spelling, write_fields},
};

/// Askers wait for an answer from every node whose application goes by this name.
const APP_NAME: &str = "ecallmgr";

/// What the table says to a question.
#[derive(Clone, Debug)]
pub enum Answer<I> {
    /// These are registered.
    Registrations(I),
    /// So many are registered.
    Count(usize),
}

/// What follows an answer's list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    node: &'a str,
    #[serde(rename = "Msg-ID")]
    msg_id: &'a str,
    #[serde(rename = "Event-Name")]
    event_name: &'a str,
    #[serde(rename = "Event-Category")]
    event_category: &'a str,
    #[serde(rename = "App-Version")]
    app_version: &'a str,
    #[serde(rename = "App-Name")]
    app_name: &'a str,
}

/// The body of the answer to `query`. `age` is for how many seconds this registrar has been up.
pub fn encode_answer(
    query: &Query,
    answer: Answer<impl Iterator<Item = Registration>>,
    age: u64,
    identity: &Identity,
) -> Vec<u8> {
    // In Kazoo's order.
    let mut json = format!("{{\"Registrar-Age\":{age},").into_bytes();
    let (has_fields, count) = match answer {
        Answer::Registrations(registrations) => {
            let mut registrations = registrations.peekable();
            let has_any = registrations.peek().is_some();
            if has_any {
                write_list(query, registrations, &mut json);
            }
            (has_any, None)
        }
        Answer::Count(count) => {
            write_list(query, std::iter::empty(), &mut json);
            (true, Some(count))
        }
    };
    let rest = Rest {
        event_name: if has_fields {
            "reg_query_resp"
        } else {
            "reg_query_error"
        },
        count,
        node: identity.node(),
        msg_id: &query.msg_id,
        event_category: "directory",
        app_version: Identity::APP_VERSION,
        app_name: APP_NAME,
    };
    // Strings and numbers always serialise.
    let rest = serde_json::to_vec(&rest).unwrap_or_default();
    json.extend_from_slice(rest.strip_prefix(b"{").unwrap_or(b"}"));
    json
}

/// Writes them as a header that others follow. Into the body itself: with a large table there is no
/// room for it twice.
fn write_list(
    query: &Query,
    registrations: impl Iterator<Item = Registration>,
    json: &mut Vec<u8>,
) {
    let wanted = |header: &str| {
        query.fields.is_empty() || query.fields.iter().any(|field| **field == *header)
    };
    json.extend_from_slice(b"\"Fields\":[");
    for (at, registration) in registrations.enumerate() {
        if at > 0 {
            json.push(b',');
        }
        write_fields(&registration, Spelling::Amqp, wanted, json);
    }
    json.extend_from_slice(b"],");
}
