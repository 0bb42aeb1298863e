//! What becomes of a registration when an event about its AOR arrives.

use crate::{
    AccountData, ContactKind, Lifetime, Proxy, Registration, Report, Text, UnixMillis, Zone,
    addr_spec, strip_brackets,
};

/// Settings that the rules follow.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Seconds added to every lifetime, so that a late refresh does not blink (Kazoo's
    /// `expires_deviation_time`).
    pub expires_deviation: u32,
    /// To-Host and From-Host of an event that has none.
    pub default_realm: Text,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expires_deviation: 180,
            default_realm: "nodomain.com".into(),
        }
    }
}

/// What to do with the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Put this in place of what was there.
    Store(Box<Registration>, Stored),
    /// Take out what was there.
    Remove(Removal),
    /// Leave all as it is.
    Ignore(Ignored),
}

/// How a stored registration relates to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// There was none.
    Registered,
    /// The same contact as before.
    Refreshed,
    /// Another contact than before.
    Moved,
}

/// Why a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Removal {
    /// The phone said so.
    Unregistered,
    /// A newer event says it was due to end before now.
    Expired,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// A REGISTER without Contact only asks.
    NoContact,
    /// A newer event was here before.
    Stale,
    /// Its time was up before it arrived.
    Expired,
    /// An unregister of a contact that is not the current one.
    OtherContact,
    /// An unregister for an AOR that is not registered.
    NotRegistered,
}

/// Judges `report` against the AOR's live registration, if any.
pub fn decide(
    current: Option<&Registration>,
    report: &Report,
    zone: &Zone,
    policy: &Policy,
    now: UnixMillis,
) -> Decision {
    let kind = ContactKind::of(&report.contact);
    if kind == ContactKind::Absent {
        return Decision::Ignore(Ignored::NoContact);
    }
    if current.is_some_and(|current| report.time < current.last_registration) {
        return Decision::Ignore(Ignored::Stale);
    }
    let Lifetime::Seconds(seconds) = report.lifetime else {
        return unregister(current, report, kind);
    };
    let registration = merge(current, report, seconds, zone, policy, now);
    if !registration.is_live(now) {
        return match current {
            Some(_) => Decision::Remove(Removal::Expired),
            None => Decision::Ignore(Ignored::Expired),
        };
    }
    let stored = match current {
        None => Stored::Registered,
        Some(current) if same_binding(&current.original_contact, &report.contact) => {
            Stored::Refreshed
        }
        Some(_) => Stored::Moved,
    };
    Decision::Store(Box::new(registration), stored)
}

/// An unregister ends the binding it names, or all with `*` (RFC 3261, 10.2.2); a phone that moved
/// may still unregister the contact it left, and that must not end the new one.
fn unregister(current: Option<&Registration>, report: &Report, kind: ContactKind) -> Decision {
    match current {
        None => Decision::Ignore(Ignored::NotRegistered),
        Some(_) if kind == ContactKind::Wildcard => Decision::Remove(Removal::Unregistered),
        Some(current) if same_binding(&current.original_contact, &report.contact) => {
            Decision::Remove(Removal::Unregistered)
        }
        Some(_) => Decision::Ignore(Ignored::OtherContact),
    }
}

fn same_binding(one: &str, other: &str) -> bool {
    one == other || addr_spec(one) == addr_spec(other)
}

fn merge(
    current: Option<&Registration>,
    report: &Report,
    seconds: u32,
    zone: &Zone,
    policy: &Policy,
    now: UnixMillis,
) -> Registration {
    // A proxy whose clock runs ahead must not make a phone outlive its time.
    let last = report
        .last_registration
        .unwrap_or(report.time)
        .min(now.seconds());
    let initial = match current {
        Some(current) => current.initial_registration,
        None => report.initial_registration.unwrap_or(last).min(last),
    };
    let keep = |new: &Option<Text>, old: fn(&Registration) -> &Option<Text>| -> Option<Text> {
        new.clone()
            .or_else(|| current.and_then(|current| old(current).clone()))
    };
    Registration {
        username: report.username.clone(),
        realm: report.realm.clone(),
        contact: strip_brackets(&report.contact).into(),
        original_contact: report.contact.clone(),
        previous_contact: match current {
            Some(current) => Some(current.contact.clone()),
            None => report.previous_contact.clone(),
        },
        call_id: keep(&report.call_id, |r| &r.call_id),
        user_agent: keep(&report.user_agent, |r| &r.user_agent),
        from_user: keep(&report.from_user, |r| &r.from_user),
        from_host: report
            .from_host
            .clone()
            .unwrap_or_else(|| policy.default_realm.clone()),
        to_user: keep(&report.to_user, |r| &r.to_user),
        to_host: report
            .to_host
            .clone()
            .unwrap_or_else(|| policy.default_realm.clone()),
        expires: seconds.saturating_add(policy.expires_deviation),
        last_registration: last,
        initial_registration: initial,
        proxy: Proxy {
            path: keep(&report.proxy.path, |r| &r.proxy.path),
            ip: keep(&report.proxy.ip, |r| &r.proxy.ip),
            port: report
                .proxy
                .port
                .or_else(|| current.and_then(|current| current.proxy.port)),
            protocol: keep(&report.proxy.protocol, |r| &r.proxy.protocol),
        },
        source: report.source.clone(),
        network: report.network.clone(),
        account: AccountData {
            id: report
                .account
                .id
                .clone()
                .or_else(|| current.and_then(|c| c.account.id.clone())),
            realm: keep(&report.account.realm, |r| &r.account.realm),
            name: keep(&report.account.name, |r| &r.account.name),
            authorizing_id: keep(&report.account.authorizing_id, |r| {
                &r.account.authorizing_id
            }),
            authorizing_type: keep(&report.account.authorizing_type, |r| {
                &r.account.authorizing_type
            }),
            owner_id: keep(&report.account.owner_id, |r| &r.account.owner_id),
            presence_id: keep(&report.account.presence_id, |r| &r.account.presence_id),
        },
        suppress_unregister_notify: report
            .suppress_unregister_notify
            .or(current.map(|current| current.suppress_unregister_notify))
            .unwrap_or(true),
        register_overwrite_notify: report
            .register_overwrite_notify
            .or(current.map(|current| current.register_overwrite_notify))
            .unwrap_or(false),
        registrar_node: keep(&report.registrar_node, |r| &r.registrar_node),
        registrar_hostname: keep(&report.registrar_hostname, |r| &r.registrar_hostname),
        zone: report.zone.clone().unwrap_or_else(|| zone.clone()),
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
