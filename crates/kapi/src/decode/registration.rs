//! `reg_success`: a phone has registered, or its registration has ended.

use registration::{Lifetime, Origin, Proxy, Report, Source, Text, UnixSeconds, Zone};

use super::{
    body::{Body, first_text},
    reject::Reject,
    scalar::Scalar,
};

/// Reads a registration event, or another registrar's record of a registration.
pub(crate) fn registration(body: &Body<'_>) -> Result<Report, Reject> {
    let contact = body.contact.required("Contact")?;
    Ok(Report {
        username: body.username.required("Username")?,
        realm: realm(&body.realm)?,
        time: event_time(&body.event_timestamp)?,
        lifetime: lifetime(&body.expires)?,
        // The answer to a registration.sync has this status; what a phone does has another.
        origin: if matches!(&body.status, Scalar::Text(text) if text == "Success") {
            Origin::Statement
        } else {
            Origin::Event
        },
        first: body.first_registration.boolean(),
        contact: body.original_contact.text().unwrap_or(contact),
        call_id: body.call_id.text(),
        user_agent: body.user_agent.text(),
        from_user: body.from_user.text(),
        from_host: body.from_host.text(),
        to_user: body.to_user.text(),
        to_host: body.to_host.text(),
        proxy: Proxy {
            path: body.proxy_path.text(),
            ip: body.proxy_ip.text(),
            port: body.proxy_port.integer(),
            protocol: body.proxy_protocol.text(),
        },
        source: Source {
            ip: body.source_ip.text(),
            port: body.source_port.text(),
        },
        network: Source {
            ip: body.network_ip.text(),
            port: body.network_port.text(),
        },
        account: body.account_data(),
        suppress_unregister_notify: body.suppress_unregister(),
        register_overwrite_notify: body.register_overwrite(),
        registrar_node: first_text(&[&body.registrar_node, &body.freeswitch_nodename, &body.node]),
        registrar_hostname: first_text(&[&body.hostname, &body.registrar_hostname]),
        zone: body.zone.text().map(|zone| Zone::new(&zone)),
        previous_contact: body.previous_contact.text(),
        initial_registration: moment(&body.initial_registration),
        last_registration: moment(&body.last_registration),
    })
}

/// A realm is the part of an AOR after its last `@`: with an `@` in it, the AOR would be another's.
fn realm(value: &Scalar<'_>) -> Result<Text, Reject> {
    const HEADER: &str = "Realm";
    let realm = value.required(HEADER)?;
    if realm.contains('@') {
        return Err(value.bad(HEADER, "a realm, without `@`"));
    }
    Ok(realm)
}

fn moment(value: &Scalar<'_>) -> Option<UnixSeconds> {
    value.integer().map(UnixSeconds::from_wire)
}

fn event_time(value: &Scalar<'_>) -> Result<UnixSeconds, Reject> {
    const HEADER: &str = "Event-Timestamp";
    moment(value.present(HEADER)?).ok_or_else(|| value.bad(HEADER, "Unix or Gregorian seconds"))
}

fn lifetime(value: &Scalar<'_>) -> Result<Lifetime, Reject> {
    const HEADER: &str = "Expires";
    match value.present(HEADER)?.integer() {
        Some(0) => Ok(Lifetime::Ended),
        Some(seconds) => Ok(Lifetime::Seconds(seconds)),
        None => Err(value.bad(HEADER, "a whole number of seconds from 0 to 4294967295")),
    }
}
