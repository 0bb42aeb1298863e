//! A registration as JSON, in either of its two spellings.

use std::fmt;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string.
    Text(&'a str),
    /// A number.
    Number(u64),
    /// A flag.
    Bool(bool),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
        }
    }
}

/// Every name that a field can have over HTTP, in order.
pub const HTTP_FIELDS: [&str; 37] = [
    "username",
    "realm",
    "user_agent",
    "call_id",
    "from_user",
    "from_host",
    "to_user",
    "to_host",
    "network_ip",
    "network_port",
    "event_timestamp",
    "contact",
    "original_contact",
    "previous_contact",
    "proxy_path",
    "proxy_ip",
    "proxy_port",
    "proxy_protocol",
    "expires",
    "account_realm",
    "account_name",
    "authorizing_id",
    "authorizing_type",
    "suppress_unregister_notify",
    "register_overwrite_notify",
    "owner_id",
    "presence_id",
    "registrar_node",
    "registrar_hostname",
    "bridge_ruri",
    "first_registration",
    "initial_registration",
    "last_registration",
    "source_ip",
    "source_port",
    "contact_ip",
    "contact_port",
];

/// Whether a header and a name over HTTP are the same field's.
pub fn is_field(header: &str, name: &str) -> bool {
    let spelled = |byte: u8| match byte {
        b'-' => b'_',
        other => other.to_ascii_lowercase(),
    };
    header.len() == name.len() && header.bytes().map(spelled).eq(name.bytes())
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
    visit_fields(registration, spelling, &mut |header, value| {
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

/// Hands on the fields that are there, under their Kazoo header names.
struct Visit<'a>(&'a mut dyn FnMut(&str, Value<'_>));

impl Visit<'_> {
    fn text(&mut self, header: &str, text: &str) {
        (self.0)(header, Value::Text(text));
    }

    fn maybe(&mut self, header: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(header, text);
        }
    }

    fn number(&mut self, header: &str, number: u64) {
        (self.0)(header, Value::Number(number));
    }

    fn flag(&mut self, header: &str, flag: bool) {
        (self.0)(header, Value::Bool(flag));
    }
}

/// Visits every field that is there, under its Kazoo header name, in Kazoo's order.
pub fn visit_fields(r: &Registration, spelling: Spelling, visit: &mut dyn FnMut(&str, Value<'_>)) {
    let mut to = Visit(visit);
    let last = r.last_registration.gregorian();
    to.text("Username", &r.username);
    to.text("Realm", &r.realm);
    to.maybe("User-Agent", r.user_agent.as_deref());
    to.maybe("Call-ID", r.call_id.as_deref());
    to.maybe("From-User", r.from_user.as_deref());
    to.text("From-Host", &r.from_host);
    to.maybe("To-User", r.to_user.as_deref());
    to.text("To-Host", &r.to_host);
    to.maybe("Network-IP", r.network.ip.as_deref());
    to.maybe("Network-Port", r.network.port.as_deref());
    to.number("Event-Timestamp", last);
    to.text("Contact", &r.contact);
    to.text("Original-Contact", &r.original_contact);
    to.maybe("Previous-Contact", r.previous_contact.as_deref());
    to.maybe("Proxy-Path", r.proxy.path.as_deref());
    to.maybe("Proxy-IP", r.proxy.ip.as_deref());
    if let Some(port) = r.proxy.port {
        to.number("Proxy-Port", u64::from(port));
    }
    to.maybe("Proxy-Protocol", r.proxy.protocol.as_deref());
    to.number("Expires", u64::from(r.expires));
    account_fields(r, spelling, &mut to);
    to.maybe("Registrar-Node", r.registrar_node.as_deref());
    to.maybe("Registrar-Hostname", r.registrar_hostname.as_deref());
    to.maybe("Bridge-RURI", r.bridge_ruri().as_deref());
    // Kazoo clears the flag once a first registration was dealt with, before anyone can ask.
    to.flag("First-Registration", false);
    to.number("Initial-Registration", r.initial_registration.gregorian());
    to.number("Last-Registration", last);
    to.maybe("Source-IP", r.source.ip.as_deref());
    to.maybe("Source-Port", r.source.port.as_deref());
    if spelling == Spelling::Http
        && let Some(address) = ContactAddress::parse(&r.original_contact)
    {
        to.text("Contact-IP", address.host);
        to.number("Contact-Port", u64::from(address.port));
    }
}

fn account_fields(r: &Registration, spelling: Spelling, to: &mut Visit<'_>) {
    let account = &r.account;
    if let (Spelling::Amqp, Some(id)) = (spelling, &account.id) {
        to.text("Account-ID", id.as_str());
        to.text("Account-DB", &id.database());
    }
    to.maybe("Account-Realm", account.realm.as_deref());
    to.maybe("Account-Name", account.name.as_deref());
    to.maybe("Authorizing-ID", account.authorizing_id.as_deref());
    to.maybe("Authorizing-Type", account.authorizing_type.as_deref());
    to.flag("Suppress-Unregister-Notify", r.suppress_unregister_notify);
    to.flag("Register-Overwrite-Notify", r.register_overwrite_notify);
    to.maybe("Owner-ID", account.owner_id.as_deref());
    to.maybe("Presence-ID", account.presence_id.as_deref());
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
