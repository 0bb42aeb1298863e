//! A registration as JSON, in either of its two spellings.

use registration::{ContactAddress, Registration};
use serde::Serialize as _;

/// Which names the fields go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As Crossbar's HTTP API shows them: `user_agent`, with `contact_ip` and `contact_port`, and
    /// without the headers that Crossbar keeps to itself.
    Http,
    /// As Kazoo's messages carry them: `User-Agent`, with Account-ID and Account-DB.
    Amqp,
}

/// A field's value.
enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Bool(bool),
}

/// Appends the registration to `out` as one JSON object. What is absent is left out.
pub fn write_json(registration: &Registration, spelling: Spelling, out: &mut Vec<u8>) {
    write_fields(registration, spelling, |_| true, out);
}

/// The same with only those fields whose Kazoo header name is `wanted`.
pub fn write_fields(
    registration: &Registration,
    spelling: Spelling,
    wanted: impl Fn(&str) -> bool,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let mut first = true;
    fields(registration, spelling, &mut |header, value| {
        if !wanted(header) {
            return;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.push(b'"');
        match spelling {
            Spelling::Amqp => out.extend_from_slice(header.as_bytes()),
            Spelling::Http => out.extend(header.bytes().map(|byte| match byte {
                b'-' => b'_',
                other => other.to_ascii_lowercase(),
            })),
        }
        out.extend_from_slice(b"\":");
        write_value(&value, out);
    });
    out.push(b'}');
}

fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    let mut json = serde_json::Serializer::new(&mut *out);
    let written = match value {
        Value::Text(text) => text.serialize(&mut json),
        Value::Number(number) => number.serialize(&mut json),
        Value::Bool(value) => value.serialize(&mut json),
    };
    debug_assert!(written.is_ok(), "a Vec takes every write");
}

/// Visits every field that is there, under its Kazoo header name.
fn fields(r: &Registration, spelling: Spelling, visit: &mut dyn FnMut(&str, Value<'_>)) {
    let mut text = |header: &str, value: Option<&str>| {
        if let Some(value) = value {
            visit(header, Value::Text(value));
        }
    };
    text("Username", Some(&r.username));
    text("Realm", Some(&r.realm));
    text("User-Agent", r.user_agent.as_deref());
    text("Call-ID", r.call_id.as_deref());
    text("From-User", r.from_user.as_deref());
    text("From-Host", Some(&r.from_host));
    text("To-User", r.to_user.as_deref());
    text("To-Host", Some(&r.to_host));
    text("Contact", Some(&r.contact));
    text("Original-Contact", Some(&r.original_contact));
    text("Previous-Contact", r.previous_contact.as_deref());
    text("Proxy-Path", r.proxy.path.as_deref());
    text("Proxy-IP", r.proxy.ip.as_deref());
    text("Proxy-Protocol", r.proxy.protocol.as_deref());
    if spelling == Spelling::Amqp {
        text(
            "Account-ID",
            r.account.id.as_ref().map(registration::AccountId::as_str),
        );
        text(
            "Account-DB",
            r.account
                .id
                .as_ref()
                .map(registration::AccountId::database)
                .as_deref(),
        );
    }
    text("Account-Realm", r.account.realm.as_deref());
    text("Account-Name", r.account.name.as_deref());
    text("Authorizing-ID", r.account.authorizing_id.as_deref());
    text("Authorizing-Type", r.account.authorizing_type.as_deref());
    text("Owner-ID", r.account.owner_id.as_deref());
    text("Presence-ID", r.account.presence_id.as_deref());
    text("Registrar-Node", r.registrar_node.as_deref());
    text("Registrar-Hostname", r.registrar_hostname.as_deref());
    text("Bridge-RURI", r.bridge_ruri().as_deref());
    text("Source-IP", r.source.ip.as_deref());
    text("Source-Port", r.source.port.as_deref());
    text("Network-IP", r.network.ip.as_deref());
    text("Network-Port", r.network.port.as_deref());
    numbers_and_flags(r, spelling, visit);
}

fn numbers_and_flags(r: &Registration, spelling: Spelling, visit: &mut dyn FnMut(&str, Value<'_>)) {
    let last = r.last_registration.gregorian();
    if let Some(port) = r.proxy.port {
        visit("Proxy-Port", Value::Number(u64::from(port)));
    }
    visit("Event-Timestamp", Value::Number(last));
    visit("Expires", Value::Number(u64::from(r.expires)));
    visit(
        "Initial-Registration",
        Value::Number(r.initial_registration.gregorian()),
    );
    visit("Last-Registration", Value::Number(last));
    // Kazoo clears the flag once a first registration was dealt with, before anyone can ask.
    visit("First-Registration", Value::Bool(false));
    visit(
        "Suppress-Unregister-Notify",
        Value::Bool(r.suppress_unregister_notify),
    );
    visit(
        "Register-Overwrite-Notify",
        Value::Bool(r.register_overwrite_notify),
    );
    if spelling == Spelling::Http
        && let Some(address) = ContactAddress::parse(&r.original_contact)
    {
        visit("Contact-IP", Value::Text(address.host));
        visit("Contact-Port", Value::Number(u64::from(address.port)));
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
