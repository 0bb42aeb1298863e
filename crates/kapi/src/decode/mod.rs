//! Bytes to a typed event, or the reason why not.

mod body;
mod lenient;
mod registration;
mod reject;
mod reply;
mod scalar;
mod search;

use std::borrow::Cow;

use self::{
    body::{Body, MAX_FIELDS},
    registration::registration,
    reply::reply,
    scalar::Scalar,
    search::mend_summary,
};
use crate::event::{Event, Flush, Query, Sender};

pub use reject::Reject;

/// Limits on messages.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes that a body may have.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 65_536,
        }
    }
}

/// Decodes a message body.
///
/// A body with stray bytes that are not UTF-8 (a User-Agent in Latin-1) is mended and read, unless
/// they are in a name, where they would make it another registration.
pub fn decode(body: &[u8], limits: Limits) -> Result<Event, Reject> {
    if body.len() > limits.max_body_bytes {
        return Err(Reject::TooLarge {
            size: body.len(),
            limit: limits.max_body_bytes,
        });
    }
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) => decode_text(text),
        Cow::Owned(mended) => decode_text(&mended)
            .ok()
            .filter(|event| !is_name_mended(event))
            .ok_or(Reject::NotUtf8),
    }
}

fn is_name_mended(event: &Event) -> bool {
    let is_mended = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    match event {
        Event::Registration(report) => [&report.username, &report.realm, &report.contact]
            .iter()
            .any(|text| is_mended(text)),
        Event::Flush(flush, _) => {
            is_mended(&flush.realm) || flush.username.as_deref().is_some_and(is_mended)
        }
        Event::Query(_) | Event::Reply(_) | Event::Other => false,
    }
}

fn decode_text(text: &str) -> Result<Event, Reject> {
    if !text.trim_start().starts_with('{') {
        // An array crashes other readers, so it is told apart from broken JSON.
        serde_json::from_str::<serde::de::IgnoredAny>(text)?;
        return Err(Reject::NotAnObject);
    }
    match serde_json::from_str(text) {
        Ok(body) => event(&body, text),
        Err(error) => decode_mended(text).unwrap_or_else(|| Err(error.into())),
    }
}

/// The event of a message with this body, which was read from this text.
fn event(body: &Body<'_>, text: &str) -> Result<Event, Reject> {
    let (Scalar::Text(category), Scalar::Text(name)) = (&body.event_category, &body.event_name)
    else {
        return Ok(Event::Other);
    };
    match (&**category, &**name) {
        ("directory", "reg_success") => {
            registration(body).map(|report| Event::Registration(Box::new(report)))
        }
        ("directory", "reg_flush") => flush(body),
        ("directory", "reg_query") => query(body).map(|query| Event::Query(Box::new(query))),
        ("directory" | "registration", name) => {
            let reply = reply(name, body, text)?;
            Ok(reply.map_or(Event::Other, |reply| Event::Reply(Box::new(reply))))
        }
        _ => Ok(Event::Other),
    }
}

/// Decodes an answer that is not JSON, as some proxies write it. Nothing else is mended.
fn decode_mended(text: &str) -> Option<Result<Event, Reject>> {
    let mended = mend_summary(text)?;
    let event = event(&serde_json::from_str(&mended).ok()?, &mended);
    let is_answer = matches!(event, Ok(Event::Reply(_) | Event::Other) | Err(_));
    is_answer.then_some(event)
}

fn flush(body: &Body<'_>) -> Result<Event, Reject> {
    let flush = Flush {
        realm: body.realm.required("Realm")?,
        username: body.username.text(),
        cache_only: body.cache_only.boolean().unwrap_or(false),
    };
    let sender = Sender {
        server_id: body.server_id.text(),
    };
    Ok(Event::Flush(flush, sender))
}

fn query(body: &Body<'_>) -> Result<Query, Reject> {
    if body.fields.too_many {
        return Err(Reject::TooMany {
            header: "Fields",
            limit: MAX_FIELDS,
        });
    }
    Ok(Query {
        realm: Some(body.realm.required("Realm")?)
            .filter(|realm| !realm.eq_ignore_ascii_case("all")),
        username: body.username.text().filter(|username| &**username != "*"),
        fields: body.fields.kept.iter().filter_map(Scalar::text).collect(),
        count_only: body.count_only.boolean().unwrap_or(false),
        reply_to: body.server_id.required("Server-ID")?,
        msg_id: body.msg_id.required("Msg-ID")?,
        node: body.node.text(),
    })
}

#[cfg(test)]
mod tests;
