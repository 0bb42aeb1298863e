//! A registration as JSON, in either of its two spellings.

use std::fmt;

use registration::{ContactAddress, Proxy, Registration};
use serde::Serialize;

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

/// The names of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// As Kazoo's messages carry it.
    pub header: &'static str,
    /// As Crossbar's HTTP API shows it.
    pub name: &'static str,
}

const fn field(header: &'static str, name: &'static str) -> Field {
    Field { header, name }
}

/// Appends the registration to `out` as one JSON object. What is absent is left out.
pub fn write_json<T: AsRef<str>>(
    registration: &Registration<T>,
    spelling: Spelling,
    out: &mut Vec<u8>,
) {
    write_fields(registration, spelling, |_| true, out);
}

/// The same with only those fields whose Kazoo header name is `wanted`.
pub fn write_fields<T: AsRef<str>>(
    registration: &Registration<T>,
    spelling: Spelling,
    wanted: impl Fn(&str) -> bool,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let mut first = true;
    visit_fields(registration, spelling, |field, value| {
        if !wanted(field.header) {
            return;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        let name = match spelling {
            Spelling::Amqp => field.header,
            Spelling::Http => field.name,
        };
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        write_value(&value, out);
    });
    out.push(b'}');
}

fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => write_text(text, out),
        Value::Number(number) => write_serialized(number, out),
        Value::Bool(flag) => write_serialized(flag, out),
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    // Nearly all are as they are.
    if !is_plain(text.as_bytes()) {
        return write_serialized(text, out);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether nothing of a text has to be escaped, seen many bytes at a time.
fn is_plain(text: &[u8]) -> bool {
    let are_plain = |bytes: &[u8; 16]| {
        let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        bytes.iter().fold(true, |all, byte| all & is_plain(*byte))
    };
    let (parts, rest) = text.as_chunks();
    let mut last = [b' '; 16];
    last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    parts.iter().all(are_plain) && are_plain(&last)
}

fn write_serialized(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a Vec takes every write");
}

/// Hands on the fields that are there.
struct Visit<F>(F);

impl<F: FnMut(Field, Value<'_>)> Visit<F> {
    fn text(&mut self, field: Field, text: &impl AsRef<str>) {
        (self.0)(field, Value::Text(text.as_ref()));
    }

    fn maybe(&mut self, field: Field, text: Option<&impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    fn number(&mut self, field: Field, number: u64) {
        (self.0)(field, Value::Number(number));
    }

    fn flag(&mut self, field: Field, flag: bool) {
        (self.0)(field, Value::Bool(flag));
    }
}

/// Visits every field that is there, in Kazoo's order.
pub fn visit_fields<T: AsRef<str>>(
    r: &Registration<T>,
    spelling: Spelling,
    visit: impl FnMut(Field, Value<'_>),
) {
    let mut to = Visit(visit);
    let last = r.last_registration.gregorian();
    to.text(field("Username", "username"), &r.username);
    to.text(field("Realm", "realm"), &r.realm);
    to.maybe(field("User-Agent", "user_agent"), r.user_agent.as_ref());
    to.maybe(field("Call-ID", "call_id"), r.call_id.as_ref());
    to.maybe(field("From-User", "from_user"), r.from_user.as_ref());
    to.text(field("From-Host", "from_host"), &r.from_host);
    to.maybe(field("To-User", "to_user"), r.to_user.as_ref());
    to.text(field("To-Host", "to_host"), &r.to_host);
    to.maybe(field("Network-IP", "network_ip"), r.network.ip.as_ref());
    let port = r.network.port.as_ref();
    to.maybe(field("Network-Port", "network_port"), port);
    to.number(field("Event-Timestamp", "event_timestamp"), last);
    to.text(field("Contact", "contact"), &r.contact);
    let contact = &r.original_contact;
    to.text(field("Original-Contact", "original_contact"), contact);
    let previous = r.previous_contact.as_ref();
    to.maybe(field("Previous-Contact", "previous_contact"), previous);
    proxy_fields(&r.proxy, &mut to);
    to.number(field("Expires", "expires"), u64::from(r.expires));
    account_fields(r, spelling, &mut to);
    let node = r.registrar_node.as_ref();
    to.maybe(field("Registrar-Node", "registrar_node"), node);
    let host = r.registrar_hostname.as_ref();
    to.maybe(field("Registrar-Hostname", "registrar_hostname"), host);
    let ruri = r.bridge_ruri();
    to.maybe(field("Bridge-RURI", "bridge_ruri"), ruri.as_ref());
    // Kazoo clears the flag once a first registration was dealt with, before anyone can ask.
    to.flag(field("First-Registration", "first_registration"), false);
    let initial = r.initial_registration.gregorian();
    to.number(
        field("Initial-Registration", "initial_registration"),
        initial,
    );
    to.number(field("Last-Registration", "last_registration"), last);
    to.maybe(field("Source-IP", "source_ip"), r.source.ip.as_ref());
    to.maybe(field("Source-Port", "source_port"), r.source.port.as_ref());
    if spelling == Spelling::Http
        && let Some(address) = ContactAddress::parse(r.original_contact.as_ref())
    {
        to.text(field("Contact-IP", "contact_ip"), &address.host);
        let port = u64::from(address.port);
        to.number(field("Contact-Port", "contact_port"), port);
    }
}

fn proxy_fields<T: AsRef<str>>(proxy: &Proxy<T>, to: &mut Visit<impl FnMut(Field, Value<'_>)>) {
    to.maybe(field("Proxy-Path", "proxy_path"), proxy.path.as_ref());
    to.maybe(field("Proxy-IP", "proxy_ip"), proxy.ip.as_ref());
    if let Some(port) = proxy.port {
        to.number(field("Proxy-Port", "proxy_port"), u64::from(port));
    }
    let protocol = proxy.protocol.as_ref();
    to.maybe(field("Proxy-Protocol", "proxy_protocol"), protocol);
}

fn account_fields<T: AsRef<str>>(
    r: &Registration<T>,
    spelling: Spelling,
    to: &mut Visit<impl FnMut(Field, Value<'_>)>,
) {
    let account = &r.account;
    if let (Spelling::Amqp, Some(id)) = (spelling, &account.id) {
        to.text(field("Account-ID", "account_id"), &id.as_str());
        to.text(field("Account-DB", "account_db"), &id.database());
    }
    to.maybe(
        field("Account-Realm", "account_realm"),
        account.realm.as_ref(),
    );
    to.maybe(field("Account-Name", "account_name"), account.name.as_ref());
    let id = account.authorizing_id.as_ref();
    to.maybe(field("Authorizing-ID", "authorizing_id"), id);
    let kind = account.authorizing_type.as_ref();
    to.maybe(field("Authorizing-Type", "authorizing_type"), kind);
    let suppress = field("Suppress-Unregister-Notify", "suppress_unregister_notify");
    to.flag(suppress, r.suppress_unregister_notify);
    let overwrite = field("Register-Overwrite-Notify", "register_overwrite_notify");
    to.flag(overwrite, r.register_overwrite_notify);
    to.maybe(field("Owner-ID", "owner_id"), account.owner_id.as_ref());
    to.maybe(
        field("Presence-ID", "presence_id"),
        account.presence_id.as_ref(),
    );
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
