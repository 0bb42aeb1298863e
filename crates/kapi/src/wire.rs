//! The bodies as they stand on the wire, before any of it is judged.

use serde::Deserialize;

use crate::lenient::{Scalar, Scalars, array_or_default, object_or_default};

/// The most names of headers that a question may ask for; Kazoo has some fifty.
pub(crate) const MAX_FIELDS: usize = 1_000;

/// Declares a struct with a [`Scalar`] per header; what it does not name is passed over.
macro_rules! headers {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $header:literal,)* } $($more:tt)*) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        pub(crate) struct $name<'a> {
            $(#[serde(borrow, rename = $header)] pub(crate) $field: Scalar<'a>,)*
            $($more)*
        }
    };
}

headers! {
    /// A message's top level.
    Body {
        event_category = "Event-Category",
        event_name = "Event-Name",
        server_id = "Server-ID",
        msg_id = "Msg-ID",
        count_only = "Count-Only",
        node = "Node",
        realm = "Realm",
        username = "Username",
        cache_only = "Cache-Only",
        event_timestamp = "Event-Timestamp",
        expires = "Expires",
        status = "Status",
        first_registration = "First-Registration",
        contact = "Contact",
        original_contact = "Original-Contact",
        previous_contact = "Previous-Contact",
        call_id = "Call-ID",
        from_user = "From-User",
        from_host = "From-Host",
        to_user = "To-User",
        to_host = "To-Host",
        user_agent = "User-Agent",
        proxy_path = "Proxy-Path",
        proxy_protocol = "Proxy-Protocol",
        proxy_ip = "Proxy-IP",
        proxy_port = "Proxy-Port",
        source_ip = "Source-IP",
        source_port = "Source-Port",
        network_ip = "Network-IP",
        network_port = "Network-Port",
        registrar_node = "Registrar-Node",
        freeswitch_nodename = "FreeSWITCH-Nodename",
        hostname = "Hostname",
        registrar_hostname = "Registrar-Hostname",
        zone = "AMQP-Broker-Zone",
        initial_registration = "Initial-Registration",
        last_registration = "Last-Registration",
        // The same as in Custom-Channel-Vars, where the top level wins.
        account_id = "Account-ID",
        account_realm = "Account-Realm",
        account_name = "Account-Name",
        authorizing_id = "Authorizing-ID",
        authorizing_type = "Authorizing-Type",
        owner_id = "Owner-ID",
        presence_id = "Presence-ID",
        suppress_unregister_notify = "Suppress-Unregister-Notify",
        suppress_unregister_notifications = "Suppress-Unregister-Notifications",
        register_overwrite_notify = "Register-Overwrite-Notify",
    }
    #[serde(borrow, rename = "Custom-Channel-Vars", deserialize_with = "object_or_default")]
    pub(crate) vars: ChannelVars<'a>,
    #[serde(borrow, rename = "Fields", deserialize_with = "array_or_default")]
    pub(crate) fields: Scalars<'a, MAX_FIELDS>,
}

headers! {
    /// Custom-Channel-Vars: what Kazoo's directory told the proxy about the phone.
    ChannelVars {
        account_id = "Account-ID",
        account_realm = "Account-Realm",
        account_name = "Account-Name",
        authorizing_id = "Authorizing-ID",
        authorizing_type = "Authorizing-Type",
        owner_id = "Owner-ID",
        presence_id = "Presence-ID",
        suppress_unregister_notifications = "Suppress-Unregister-Notifications",
        suppress_unregister_notify = "Suppress-Unregister-Notify",
        register_overwrite_notify = "Register-Overwrite-Notify",
    }
}

headers! {
    /// A binding in a proxy's detailed answer to a search.
    Binding {
        aor = "AOR",
        contact = "Contact",
        received = "Received",
        expires = "Expires",
        call_id = "Call-ID",
        last_modified = "Last-Modified",
        user_agent = "User-Agent",
        socket = "Socket",
    }
}
