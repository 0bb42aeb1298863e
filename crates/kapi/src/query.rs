//! Answers to `reg_query`, as Kazoo's `ecallmgr` gives them.

use registration::Registration;
use serde::Serialize;
use serde_json::value::RawValue;

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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    #[serde(rename = "Registrar-Age")]
    registrar_age: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a RawValue>,
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
    let (fields, count) = match answer {
        Answer::Registrations(registrations) => {
            let mut registrations = registrations.peekable();
            let has_any = registrations.peek().is_some();
            (has_any.then(|| raw(query, registrations)).flatten(), None)
        }
        Answer::Count(count) => (raw(query, std::iter::empty()), Some(count)),
    };
    let body = Body {
        registrar_age: age,
        event_name: if fields.is_some() {
            "reg_query_resp"
        } else {
            "reg_query_error"
        },
        fields: fields.as_deref(),
        count,
        node: identity.node(),
        msg_id: &query.msg_id,
        event_category: "directory",
        app_version: Identity::APP_VERSION,
        app_name: APP_NAME,
    };
    // Strings, numbers and JSON that is there already always serialise.
    serde_json::to_vec(&body).unwrap_or_default()
}

fn raw(query: &Query, registrations: impl Iterator<Item = Registration>) -> Option<Box<RawValue>> {
    let wanted = |header: &str| {
        query.fields.is_empty() || query.fields.iter().any(|field| **field == *header)
    };
    let mut json = vec![b'['];
    for (at, registration) in registrations.enumerate() {
        if at > 0 {
            json.push(b',');
        }
        write_fields(&registration, Spelling::Amqp, wanted, &mut json);
    }
    json.push(b']');
    String::from_utf8(json)
        .ok()
        .and_then(|json| RawValue::from_string(json).ok())
}
