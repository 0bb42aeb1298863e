//! What we tell the cluster: notices of registrations, and the request that a phone checks in.

use registration::Registration;
use serde::Serialize;

use crate::{
    NOTIFICATIONS_EXCHANGE, PRESENCE_EXCHANGE, SWITCH_EXCHANGE,
    encode::key,
    envelope::Identity,
    message::{Kind, encode},
};

/// Something to tell.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// A phone has registered that was not registered before.
    Registered(&'a Registration),
    /// A registration has ended, though nobody flushed it.
    Deregistered {
        /// What there was.
        was: &'a Registration,
        /// Whether the phone said so; otherwise its time was up.
        by_phone: bool,
    },
    /// Another phone has taken the place of the one before.
    Overwritten {
        /// What is there now.
        now: &'a Registration,
        /// The contact that was there.
        previous_contact: &'a str,
    },
    /// The phone is to register anew.
    CheckSync {
        /// SIP username.
        username: &'a str,
        /// SIP realm.
        realm: &'a str,
    },
}

/// Of a registration, what notices show.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(rename = "Username")]
    username: &'a str,
    #[serde(rename = "Realm")]
    realm: &'a str,
    #[serde(rename = "Account-ID", skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    #[serde(rename = "Account-DB", skip_serializing_if = "Option::is_none")]
    account_db: Option<String>,
    #[serde(rename = "Authorizing-ID", skip_serializing_if = "Option::is_none")]
    authorizing_id: Option<&'a str>,
    #[serde(rename = "Authorizing-Type", skip_serializing_if = "Option::is_none")]
    authorizing_type: Option<&'a str>,
    #[serde(rename = "Owner-ID", skip_serializing_if = "Option::is_none")]
    owner_id: Option<&'a str>,
    #[serde(rename = "Call-ID", skip_serializing_if = "Option::is_none")]
    call_id: Option<&'a str>,
    #[serde(rename = "Contact")]
    contact: &'a str,
    #[serde(rename = "Event-Timestamp")]
    event_timestamp: u64,
    #[serde(rename = "Expires")]
    expires: u32,
    #[serde(rename = "From-Host")]
    from_host: &'a str,
    #[serde(rename = "From-User", skip_serializing_if = "Option::is_none")]
    from_user: Option<&'a str>,
    #[serde(rename = "Network-IP", skip_serializing_if = "Option::is_none")]
    network_ip: Option<&'a str>,
    #[serde(rename = "Network-Port", skip_serializing_if = "Option::is_none")]
    network_port: Option<&'a str>,
    #[serde(rename = "Suppress-Unregister-Notify")]
    suppress_unregister_notify: bool,
    #[serde(rename = "To-Host")]
    to_host: &'a str,
    #[serde(rename = "To-User", skip_serializing_if = "Option::is_none")]
    to_user: Option<&'a str>,
    #[serde(rename = "User-Agent", skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(r: &'a Registration) -> Self {
        let account = &r.account;
        Self {
            username: &r.username,
            realm: &r.realm,
            account_id: account.id.as_ref().map(registration::AccountId::as_str),
            account_db: account.id.as_ref().map(registration::AccountId::database),
            authorizing_id: account.authorizing_id.as_deref(),
            authorizing_type: account.authorizing_type.as_deref(),
            owner_id: account.owner_id.as_deref(),
            call_id: r.call_id.as_deref(),
            contact: &r.contact,
            event_timestamp: r.last_registration.gregorian(),
            expires: r.expires,
            from_host: &r.from_host,
            from_user: r.from_user.as_deref(),
            network_ip: r.network.ip.as_deref(),
            network_port: r.network.port.as_deref(),
            suppress_unregister_notify: r.suppress_unregister_notify,
            to_host: &r.to_host,
            to_user: r.to_user.as_deref(),
            user_agent: r.user_agent.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Overwrite<'a> {
    username: &'a str,
    realm: &'a str,
    contact: &'a str,
    #[serde(rename = "Previous-Contact")]
    previous_contact: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Check<'a> {
    event: &'a str,
    username: &'a str,
    realm: &'a str,
}

const fn kind(category: &'static str, name: &'static str) -> Kind {
    Kind { category, name }
}

/// Exchange, routing key and body of a notice.
pub fn encode_notice(notice: Notice<'_>, identity: &Identity) -> (&'static str, String, Vec<u8>) {
    let msg_id = Identity::message_id();
    match notice {
        Notice::Registered(r) => (
            NOTIFICATIONS_EXCHANGE,
            "notifications.sip.register".to_owned(),
            encode(
                kind("notification", "register"),
                &msg_id,
                Shown::of(r),
                identity,
            ),
        ),
        Notice::Deregistered { was, by_phone } => {
            let shown = Shown {
                expires: if by_phone { 0 } else { was.expires },
                // Kazoo's have neither.
                authorizing_type: None,
                owner_id: None,
                ..Shown::of(was)
            };
            (
                NOTIFICATIONS_EXCHANGE,
                "notifications.sip.deregister".to_owned(),
                encode(kind("notification", "deregister"), &msg_id, shown, identity),
            )
        }
        Notice::Overwritten {
            now,
            previous_contact,
        } => {
            let body = Overwrite {
                username: &now.username,
                realm: &now.realm,
                contact: &now.contact,
                previous_contact,
            };
            (
                PRESENCE_EXCHANGE,
                key("register_overwrites", &[&now.realm]),
                encode(
                    kind("presence", "register_overwrite"),
                    &msg_id,
                    body,
                    identity,
                ),
            )
        }
        Notice::CheckSync { username, realm } => {
            let body = Check {
                event: "check-sync",
                username,
                realm,
            };
            (
                SWITCH_EXCHANGE,
                key("switch.notify", &[realm, username]),
                encode(kind("switch_event", "notify"), &msg_id, body, identity),
            )
        }
    }
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
