//! Bytes to a typed event, or the reason why not.

use std::borrow::Cow;

use registration::{
    AccountData, AccountId, Lifetime, Origin, Proxy, Report, Source, Text, UnixSeconds, Zone,
};

use crate::{
    event::{Event, Flush, Limits, Query, Reject, Sender},
    lenient::Scalar,
    reply::{mend_summary, reply},
    wire::{Body, MAX_FIELDS},
};

/// Reads a message body.
///
/// A body with stray bytes that are not UTF-8 (a User-Agent in Latin-1) is mended and read, unless
/// they stand where they would change whose registration it is.
pub fn decode(body: &[u8], limits: Limits) -> Result<Event, Reject> {
    if body.len() > limits.max_body_bytes {
        return Err(Reject::TooLarge {
            size: body.len(),
            limit: limits.max_body_bytes,
        });
    }
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) => decode_text(text),
        Cow::Owned(mended) => {
            let event = decode_text(&mended).map_err(|_| Reject::NotUtf8)?;
            if names_hold_replacement(&event) {
                Err(Reject::NotUtf8)
            } else {
                Ok(event)
            }
        }
    }
}

fn names_hold_replacement(event: &Event) -> bool {
    let broken = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    match event {
        Event::Registration(report) => [&report.username, &report.realm, &report.contact]
            .iter()
            .any(|text| broken(text)),
        Event::Flush(flush, _) => {
            broken(&flush.realm) || flush.username.as_deref().is_some_and(broken)
        }
        Event::Query(_) | Event::Reply(_) | Event::Other => false,
    }
}

fn decode_text(text: &str) -> Result<Event, Reject> {
    if !text.trim_start().starts_with('{') {
        // Told apart from broken JSON, since an array is what crashes other readers.
        let error = serde_json::from_str::<serde::de::IgnoredAny>(text).err();
        return Err(error.map_or(Reject::NotAnObject, |error| Reject::not_json(&error)));
    }
    match serde_json::from_str(text) {
        Ok(body) => event(&body, text),
        Err(error) => mended(text).unwrap_or_else(|| Err(Reject::not_json(&error))),
    }
}

/// What a body tells, that was read from this text.
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

/// What a text that is no JSON tells, if it is an answer: some proxies write theirs so. Nothing else
/// is mended.
fn mended(text: &str) -> Option<Result<Event, Reject>> {
    let mended = mend_summary(text)?;
    let event = event(&serde_json::from_str(&mended).ok()?, &mended);
    let is_answer = matches!(event, Ok(Event::Reply(_) | Event::Other) | Err(_));
    is_answer.then_some(event)
}

fn flush(body: &Body<'_>) -> Result<Event, Reject> {
    let flush = Flush {
        realm: required("Realm", &body.realm)?,
        username: optional(&body.username),
        cache_only: body.cache_only.boolean().unwrap_or(false),
    };
    Ok(Event::Flush(
        flush,
        Sender {
            server_id: optional(&body.server_id),
        },
    ))
}

fn query(body: &Body<'_>) -> Result<Query, Reject> {
    if body.fields.too_many {
        return Err(Reject::TooMany {
            header: "Fields",
            limit: MAX_FIELDS,
        });
    }
    Ok(Query {
        realm: Some(required("Realm", &body.realm)?)
            .filter(|realm| !realm.eq_ignore_ascii_case("all")),
        username: optional(&body.username).filter(|username| &**username != "*"),
        fields: body.fields.kept.iter().filter_map(optional).collect(),
        count_only: body.count_only.boolean().unwrap_or(false),
        reply_to: required("Server-ID", &body.server_id)?,
        msg_id: required("Msg-ID", &body.msg_id)?,
    })
}

/// Whose phone it is; the top level goes before the channel variables.
pub(crate) fn account_data(body: &Body<'_>) -> AccountData {
    let vars = &body.vars;
    AccountData {
        id: first(&[&body.account_id, &vars.account_id]).and_then(|id| AccountId::parse(&id).ok()),
        realm: first(&[&body.account_realm, &vars.account_realm]),
        name: first(&[&body.account_name, &vars.account_name]),
        authorizing_id: first(&[&body.authorizing_id, &vars.authorizing_id]),
        authorizing_type: first(&[&body.authorizing_type, &vars.authorizing_type]),
        owner_id: first(&[&body.owner_id, &vars.owner_id]),
        presence_id: first(&[&body.presence_id, &vars.presence_id]),
    }
}

/// Kazoo's directory and its registrar name this flag differently; both are heard.
pub(crate) fn suppress_unregister(body: &Body<'_>) -> Option<bool> {
    let vars = &body.vars;
    [
        &body.suppress_unregister_notify,
        &body.suppress_unregister_notifications,
        &vars.suppress_unregister_notify,
        &vars.suppress_unregister_notifications,
    ]
    .iter()
    .find_map(|flag| flag.boolean())
}

pub(crate) fn register_overwrite(body: &Body<'_>) -> Option<bool> {
    [
        &body.register_overwrite_notify,
        &body.vars.register_overwrite_notify,
    ]
    .iter()
    .find_map(|flag| flag.boolean())
}

pub(crate) fn registration(body: &Body<'_>) -> Result<Report, Reject> {
    let contact = required("Contact", &body.contact)?;
    Ok(Report {
        username: required("Username", &body.username)?,
        realm: realm(&body.realm)?,
        time: event_time(&body.event_timestamp)?,
        lifetime: lifetime(&body.expires)?,
        // The answer to a registration.sync; whatever a phone does has another status.
        origin: if matches!(&body.status, Scalar::Text(text) if text == "Success") {
            Origin::Statement
        } else {
            Origin::Event
        },
        first: body.first_registration.boolean(),
        contact: optional(&body.original_contact).unwrap_or(contact),
        call_id: optional(&body.call_id),
        user_agent: optional(&body.user_agent),
        from_user: optional(&body.from_user),
        from_host: optional(&body.from_host),
        to_user: optional(&body.to_user),
        to_host: optional(&body.to_host),
        proxy: Proxy {
            path: optional(&body.proxy_path),
            ip: optional(&body.proxy_ip),
            port: body
                .proxy_port
                .integer()
                .and_then(|port| u16::try_from(port).ok()),
            protocol: optional(&body.proxy_protocol),
        },
        source: Source {
            ip: optional(&body.source_ip),
            port: optional(&body.source_port),
        },
        network: Source {
            ip: optional(&body.network_ip),
            port: optional(&body.network_port),
        },
        account: account_data(body),
        suppress_unregister_notify: suppress_unregister(body),
        register_overwrite_notify: register_overwrite(body),
        registrar_node: first(&[&body.registrar_node, &body.freeswitch_nodename, &body.node]),
        registrar_hostname: first(&[&body.hostname, &body.registrar_hostname]),
        zone: optional(&body.zone).map(|zone| Zone::new(&zone)),
        previous_contact: optional(&body.previous_contact),
        initial_registration: moment(&body.initial_registration),
        last_registration: moment(&body.last_registration),
    })
}

/// Text that says something: an empty string says nothing.
pub(crate) fn optional(header: &Scalar<'_>) -> Option<Text> {
    header
        .text()
        .filter(|text| !text.is_empty())
        .map(|text| Text::from(&*text))
}

fn first(headers: &[&Scalar<'_>]) -> Option<Text> {
    headers.iter().find_map(|header| optional(header))
}

fn required(header: &'static str, value: &Scalar<'_>) -> Result<Text, Reject> {
    if value.is_none() {
        return Err(Reject::Missing(header));
    }
    optional(value).ok_or_else(|| bad(header, value, "text that is not empty"))
}

/// A realm is what stands behind the last `@` of an AOR: with one in it, the AOR would be another's.
fn realm(value: &Scalar<'_>) -> Result<Text, Reject> {
    const HEADER: &str = "Realm";
    let realm = required(HEADER, value)?;
    if realm.contains('@') {
        return Err(bad(HEADER, value, "a realm, without `@`"));
    }
    Ok(realm)
}

fn bad(header: &'static str, value: &Scalar<'_>, takes: &'static str) -> Reject {
    Reject::BadValue {
        header,
        value: value.to_string(),
        takes,
    }
}

fn moment(header: &Scalar<'_>) -> Option<UnixSeconds> {
    header
        .integer()
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(UnixSeconds::from_wire)
}

fn event_time(header: &Scalar<'_>) -> Result<UnixSeconds, Reject> {
    const HEADER: &str = "Event-Timestamp";
    if header.is_none() {
        return Err(Reject::Missing(HEADER));
    }
    moment(header).ok_or_else(|| bad(HEADER, header, "Unix or Gregorian seconds"))
}

fn lifetime(header: &Scalar<'_>) -> Result<Lifetime, Reject> {
    const HEADER: &str = "Expires";
    if header.is_none() {
        return Err(Reject::Missing(HEADER));
    }
    let seconds = header
        .integer()
        .and_then(|seconds| u32::try_from(seconds).ok());
    match seconds {
        Some(0) => Ok(Lifetime::Ended),
        Some(seconds) => Ok(Lifetime::Seconds(seconds)),
        None => Err(bad(
            HEADER,
            header,
            "a whole number of seconds from 0 to 4294967295",
        )),
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
