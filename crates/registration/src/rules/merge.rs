//! A report made into the record to store, with what it does not say from the one before.

use super::context::Policy;
use crate::{
    AccountData, Lifetime, Origin, Proxy, Registration, Report, Source, Text, UnixSeconds, Zone,
    strip_brackets,
};

/// An event without a source drops the one before, as Kazoo does; other reports never knew it.
fn source(current: Option<&Registration>, report: &Report) -> Source {
    match current {
        Some(current) if report.origin != Origin::Event && report.source.ip.is_none() => {
            current.source.clone()
        }
        _ => report.source.clone(),
    }
}

/// `time` is the report's, held to our clock.
pub(crate) fn merge(
    current: Option<&Registration>,
    report: &Report,
    seconds: u32,
    zone: &Zone,
    policy: &Policy,
    time: UnixSeconds,
) -> Registration {
    let last = report.last_registration.unwrap_or(time).min(time);
    let initial = match current {
        // What was heard of it may be newer than what its proxy holds.
        Some(current) => current.initial_registration.min(last),
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
        source: source(current, report),
        network: report.network.clone(),
        account: AccountData {
            id: report
                .account
                .id
                .or_else(|| current.and_then(|c| c.account.id)),
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

impl Registration {
    /// The registration that another registrar's record, or our own snapshot, tells of: padded
    /// already. No time in it is later than `now`.
    pub fn from_record(
        report: &Report,
        zone: &Zone,
        default_realm: &str,
        now: UnixSeconds,
    ) -> Self {
        let policy = Policy {
            expires_deviation: 0,
            default_realm: default_realm.into(),
        };
        let seconds = match report.lifetime {
            Lifetime::Ended => 0,
            Lifetime::Seconds(seconds) => seconds,
        };
        merge(None, report, seconds, zone, &policy, report.time.min(now))
    }
}
