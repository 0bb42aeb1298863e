//! Notices to the cluster about registrations, and the request to a phone to register again.

use registration::Registration;

use super::message::encode;
use crate::{
    fields::{Spelling, visit_fields},
    identity::Identity,
    json::Object,
    routing::{NOTIFICATIONS_EXCHANGE, PRESENCE_EXCHANGE, SWITCH_EXCHANGE, key},
};

/// A notice.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// A phone that was not registered has registered.
    Registered(&'a Registration),
    /// A registration has ended without a flush.
    Deregistered {
        /// The registration.
        was: &'a Registration,
        /// Whether the phone ended it; otherwise it expired.
        by_phone: bool,
    },
    /// Another phone has replaced the one before.
    Overwritten {
        /// The new registration.
        now: &'a Registration,
        /// Contact of the old one.
        previous_contact: &'a str,
    },
    /// Asks a phone to register again.
    CheckSync {
        /// SIP username.
        username: &'a str,
        /// SIP realm.
        realm: &'a str,
    },
}

/// Headers of a registration that a notice of it has.
const HEADERS: [&str; 18] = [
    "Username",
    "Realm",
    "Account-ID",
    "Account-DB",
    "Authorizing-ID",
    "Authorizing-Type",
    "Owner-ID",
    "Call-ID",
    "Contact",
    "Event-Timestamp",
    "From-Host",
    "From-User",
    "Network-IP",
    "Network-Port",
    "Suppress-Unregister-Notify",
    "To-Host",
    "To-User",
    "User-Agent",
];

/// Those of [`HEADERS`] that Kazoo leaves out once the registration has ended.
const NOT_OF_ENDED: [&str; 2] = ["Authorizing-Type", "Owner-ID"];

/// Exchange, routing key and body of a notice.
pub fn encode_notice(notice: Notice<'_>, identity: &Identity) -> (&'static str, String, Vec<u8>) {
    let kind = match notice {
        Notice::Registered(_) => ("notification", "register"),
        Notice::Deregistered { .. } => ("notification", "deregister"),
        Notice::Overwritten { .. } => ("presence", "register_overwrite"),
        Notice::CheckSync { .. } => ("switch_event", "notify"),
    };
    let (exchange, key) = route(notice);
    let body = encode(kind, &Identity::message_id(), identity, |message| {
        write_headers(notice, message);
    });
    (exchange, key, body)
}

fn route(notice: Notice<'_>) -> (&'static str, String) {
    match notice {
        Notice::Registered(_) => (
            NOTIFICATIONS_EXCHANGE,
            "notifications.sip.register".to_owned(),
        ),
        Notice::Deregistered { .. } => (
            NOTIFICATIONS_EXCHANGE,
            "notifications.sip.deregister".to_owned(),
        ),
        Notice::Overwritten { now, .. } => {
            (PRESENCE_EXCHANGE, key("register_overwrites", &[&now.realm]))
        }
        Notice::CheckSync { username, realm } => {
            (SWITCH_EXCHANGE, key("switch.notify", &[realm, username]))
        }
    }
}

fn write_headers(notice: Notice<'_>, message: &mut Object<'_>) {
    match notice {
        Notice::Registered(registration) => {
            write_registration(registration, &[], registration.expires, message);
        }
        Notice::Deregistered { was, by_phone } => {
            let expires = if by_phone { 0 } else { was.expires };
            write_registration(was, &NOT_OF_ENDED, expires, message);
        }
        Notice::Overwritten {
            now,
            previous_contact,
        } => {
            message.text("Username", &now.username);
            message.text("Realm", &now.realm);
            message.text("Contact", &now.contact);
            message.text("Previous-Contact", previous_contact);
        }
        Notice::CheckSync { username, realm } => {
            message.text("Event", "check-sync");
            message.text("Username", username);
            message.text("Realm", realm);
        }
    }
}

fn write_registration(
    registration: &Registration,
    without: &[&str],
    expires: u32,
    message: &mut Object<'_>,
) {
    visit_fields(registration, Spelling::Amqp, |field, value| {
        if HEADERS.contains(&field.header) && !without.contains(&field.header) {
            message.member(field.key(Spelling::Amqp), value);
        }
    });
    message.value("Expires", &expires);
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
