//! The fields of a registration: their names and values, and the registration as JSON.

use registration::{AccountId, ContactAddress, Registration};

use crate::json::{Object, Value};

/// Which names the fields go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As Crossbar's HTTP API shows them: `user_agent`, with `contact_ip` and `contact_port`, and
    /// without the headers that Crossbar keeps to itself.
    Http,
    /// As Kazoo's messages carry them: `User-Agent`, with Account-ID and Account-DB.
    Amqp,
}

/// The names of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// In Kazoo's messages.
    pub header: &'static str,
    /// In Crossbar's HTTP API.
    pub name: &'static str,
    /// Both again, as JSON has them before a value.
    header_key: &'static str,
    name_key: &'static str,
}

/// Defines [`HTTP_FIELDS`] and [`visit_fields`] by each field's two names and its value.
macro_rules! fields {
    (
        |$registration:ident, $computed:ident|
        both { $($a:ident $a_header:literal = $a_value:expr,)* }
        amqp { $($b:ident $b_header:literal = $b_value:expr,)* }
        both { $($c:ident $c_header:literal = $c_value:expr,)* }
        http { $($d:ident $d_header:literal = $d_value:expr,)* }
    ) => {
        /// Every name that a field can have over HTTP, in order.
        pub const HTTP_FIELDS: [&str; 37] =
            [$(stringify!($a),)* $(stringify!($c),)* $(stringify!($d),)*];

        /// Visits every field that is present, in Kazoo's order.
        pub fn visit_fields<T: AsRef<str>>(
            $registration: &Registration<T>,
            spelling: Spelling,
            mut visit: impl FnMut(&'static Field, Value<'_>),
        ) {
            let $computed = Computed::of($registration, spelling);
            $(visit_field!(visit, $a, $a_header, $a_value);)*
            if spelling == Spelling::Amqp {
                $(visit_field!(visit, $b, $b_header, $b_value);)*
            }
            $(visit_field!(visit, $c, $c_header, $c_value);)*
            if spelling == Spelling::Http {
                $(visit_field!(visit, $d, $d_header, $d_value);)*
            }
        }
    };
}

macro_rules! visit_field {
    ($visit:ident, $name:ident, $header:literal, $value:expr) => {
        if let Some(value) = Option::<Value<'_>>::from($value) {
            const FIELD: Field = Field {
                header: $header,
                name: stringify!($name),
                header_key: concat!(",\"", $header, "\":"),
                name_key: concat!(",\"", stringify!($name), "\":"),
            };
            $visit(&FIELD, value);
        }
    };
}

fields! {
    |r, computed|
    both {
        username "Username" = text(&r.username),
        realm "Realm" = text(&r.realm),
        user_agent "User-Agent" = maybe(r.user_agent.as_ref()),
        call_id "Call-ID" = maybe(r.call_id.as_ref()),
        from_user "From-User" = maybe(r.from_user.as_ref()),
        from_host "From-Host" = text(&r.from_host),
        to_user "To-User" = maybe(r.to_user.as_ref()),
        to_host "To-Host" = text(&r.to_host),
        network_ip "Network-IP" = maybe(r.network.ip.as_ref()),
        network_port "Network-Port" = maybe(r.network.port.as_ref()),
        event_timestamp "Event-Timestamp" = number(r.last_registration.gregorian()),
        contact "Contact" = text(&r.contact),
        original_contact "Original-Contact" = text(&r.original_contact),
        previous_contact "Previous-Contact" = maybe(r.previous_contact.as_ref()),
        proxy_path "Proxy-Path" = maybe(r.proxy.path.as_ref()),
        proxy_ip "Proxy-IP" = maybe(r.proxy.ip.as_ref()),
        proxy_port "Proxy-Port" = r.proxy.port.map(number),
        proxy_protocol "Proxy-Protocol" = maybe(r.proxy.protocol.as_ref()),
        expires "Expires" = number(r.expires),
    }
    amqp {
        account_id "Account-ID" = maybe(r.account.id.as_ref().map(AccountId::as_str).as_ref()),
        account_db "Account-DB" = maybe(computed.account_db.as_ref()),
    }
    both {
        account_realm "Account-Realm" = maybe(r.account.realm.as_ref()),
        account_name "Account-Name" = maybe(r.account.name.as_ref()),
        authorizing_id "Authorizing-ID" = maybe(r.account.authorizing_id.as_ref()),
        authorizing_type "Authorizing-Type" = maybe(r.account.authorizing_type.as_ref()),
        suppress_unregister_notify "Suppress-Unregister-Notify" = Value::Bool(r.suppress_unregister_notify),
        register_overwrite_notify "Register-Overwrite-Notify" = Value::Bool(r.register_overwrite_notify),
        owner_id "Owner-ID" = maybe(r.account.owner_id.as_ref()),
        presence_id "Presence-ID" = maybe(r.account.presence_id.as_ref()),
        registrar_node "Registrar-Node" = maybe(r.registrar_node.as_ref()),
        registrar_hostname "Registrar-Hostname" = maybe(r.registrar_hostname.as_ref()),
        bridge_ruri "Bridge-RURI" = maybe(computed.bridge_ruri.as_ref()),
        // Kazoo clears the flag once a first registration was handled, before it can be asked for.
        first_registration "First-Registration" = Value::Bool(false),
        initial_registration "Initial-Registration" = number(r.initial_registration.gregorian()),
        last_registration "Last-Registration" = number(r.last_registration.gregorian()),
        source_ip "Source-IP" = maybe(r.source.ip.as_ref()),
        source_port "Source-Port" = maybe(r.source.port.as_ref()),
    }
    http {
        contact_ip "Contact-IP" = maybe(computed.contact.map(|contact| contact.host).as_ref()),
        contact_port "Contact-Port" = computed.contact.map(|contact| number(contact.port)),
    }
}

/// Values that a registration does not hold as they are shown.
struct Computed<'a> {
    bridge_ruri: Option<String>,
    account_db: Option<String>,
    contact: Option<ContactAddress<'a>>,
}

impl<'a> Computed<'a> {
    fn of<T: AsRef<str>>(r: &'a Registration<T>, spelling: Spelling) -> Self {
        let (account_db, contact) = match spelling {
            Spelling::Amqp => (r.account.id.as_ref().map(AccountId::database), None),
            Spelling::Http => (None, ContactAddress::parse(r.original_contact.as_ref())),
        };
        Self {
            bridge_ruri: r.bridge_ruri(),
            account_db,
            contact,
        }
    }
}

fn text(text: &impl AsRef<str>) -> Value<'_> {
    Value::Text(text.as_ref())
}

fn maybe(text: Option<&impl AsRef<str>>) -> Option<Value<'_>> {
    Some(Value::Text(text?.as_ref()))
}

fn number(number: impl Into<u64>) -> Value<'static> {
    Value::Number(number.into())
}

/// Appends the registration to `out` as one JSON object. Absent fields are left out.
pub fn write_json<T: AsRef<str>>(
    registration: &Registration<T>,
    spelling: Spelling,
    out: &mut Vec<u8>,
) {
    write_fields(registration, spelling, |_| true, out);
}

/// Like [`write_json`], with only the fields whose Kazoo header is `wanted`.
pub fn write_fields<T: AsRef<str>>(
    registration: &Registration<T>,
    spelling: Spelling,
    wanted: impl Fn(&str) -> bool,
    out: &mut Vec<u8>,
) {
    let mut object = Object::begin(out);
    visit_fields(registration, spelling, |field, value| {
        if wanted(field.header) {
            object.member(field.key(spelling), value);
        }
    });
    object.end();
}

impl Field {
    /// The field's key in JSON, with the comma before and the colon after it.
    pub(crate) fn key(&self, spelling: Spelling) -> &'static str {
        match spelling {
            Spelling::Amqp => self.header_key,
            Spelling::Http => self.name_key,
        }
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
