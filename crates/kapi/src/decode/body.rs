//! A message's headers as they are sent, before they are checked.

use registration::{AccountData, AccountId, Text};
use serde::Deserialize;

use super::{
    lenient::{Scalars, array_or_default, object_or_default},
    scalar::Scalar,
};

/// The most header names that a question may ask for; Kazoo has about fifty.
pub(crate) const MAX_FIELDS: usize = 1_000;

/// Declares a struct with a [`Scalar`] per header; other headers are ignored.
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
        // Also in Custom-Channel-Vars; the top level wins.
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
    /// Custom-Channel-Vars: what Kazoo's directory told the proxy of the phone.
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
    /// A binding in a proxy's answer to a detailed search.
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

impl Body<'_> {
    /// The phone's account.
    pub(crate) fn account_data(&self) -> AccountData {
        let vars = &self.vars;
        AccountData {
            id: first_text(&[&self.account_id, &vars.account_id])
                .and_then(|id| AccountId::parse(&id).ok()),
            realm: first_text(&[&self.account_realm, &vars.account_realm]),
            name: first_text(&[&self.account_name, &vars.account_name]),
            authorizing_id: first_text(&[&self.authorizing_id, &vars.authorizing_id]),
            authorizing_type: first_text(&[&self.authorizing_type, &vars.authorizing_type]),
            owner_id: first_text(&[&self.owner_id, &vars.owner_id]),
            presence_id: first_text(&[&self.presence_id, &vars.presence_id]),
        }
    }

    /// Whether the end of the registration goes unannounced. Kazoo's directory and its registrar
    /// name this flag differently.
    pub(crate) fn suppress_unregister(&self) -> Option<bool> {
        first_flag(&[
            &self.suppress_unregister_notify,
            &self.suppress_unregister_notifications,
            &self.vars.suppress_unregister_notify,
            &self.vars.suppress_unregister_notifications,
        ])
    }

    /// Whether another phone on the AOR is announced.
    pub(crate) fn register_overwrite(&self) -> Option<bool> {
        first_flag(&[
            &self.register_overwrite_notify,
            &self.vars.register_overwrite_notify,
        ])
    }
}

/// The first text among these headers.
pub(crate) fn first_text(headers: &[&Scalar<'_>]) -> Option<Text> {
    headers.iter().find_map(|header| header.text())
}

fn first_flag(headers: &[&Scalar<'_>]) -> Option<bool> {
    headers.iter().find_map(|header| header.boolean())
}
