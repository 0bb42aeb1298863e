//! Every rule, alone and in sequences.

use proptest::prelude::*;

use super::*;
use crate::{AccountData, Policy, Proxy, Source, UnixMillis, UnixSeconds, Zone};

const T0: u64 = 1_795_425_485;
const NOW: UnixMillis = UnixMillis(T0 * 1000 + 400);
const CONTACT: &str = "<sip:bob@192.0.2.1:5060>";

fn report(time: u64, seconds: u32, contact: &str) -> Report {
    Report {
        username: "bob".into(),
        realm: "sip.example.com".into(),
        time: UnixSeconds(time),
        lifetime: if seconds == 0 {
            Lifetime::Ended
        } else {
            Lifetime::Seconds(seconds)
        },
        origin: Origin::Event,
        first: None,
        contact: contact.into(),
        call_id: Some("c1".into()),
        user_agent: Some("phone/1".into()),
        from_user: Some("bob".into()),
        from_host: Some("sip.example.com".into()),
        to_user: Some("bob".into()),
        to_host: Some("sip.example.com".into()),
        proxy: Proxy::default(),
        source: Source {
            ip: Some("192.0.2.1".into()),
            port: Some("5060".into()),
        },
        network: Source::default(),
        account: AccountData::default(),
        suppress_unregister_notify: None,
        register_overwrite_notify: None,
        registrar_node: None,
        registrar_hostname: None,
        zone: None,
        previous_contact: None,
        initial_registration: None,
        last_registration: None,
    }
}

fn judge(current: Option<&Registration>, report: &Report, now: UnixMillis) -> Decision {
    let context = DecisionContext {
        live: current,
        history: None,
        zone: &Zone::new("local"),
        policy: &Policy::default(),
        now,
        redelivered: false,
        complete: true,
    };
    decide(report, context).decision
}

fn stored(decision: Decision) -> (Registration, Stored) {
    match decision {
        Decision::Store(registration, stored) => (*registration, stored),
        other => panic!("not stored: {other:?}"),
    }
}

fn bob() -> Registration {
    stored(judge(None, &report(T0, 600, CONTACT), NOW)).0
}

#[test]
fn a_first_registration_is_stored_with_its_padding() {
    let (registration, how) = stored(judge(None, &report(T0, 600, CONTACT), NOW));
    assert_eq!(how, Stored::Registered);
    assert_eq!(registration.expires, 780);
    assert_eq!(&*registration.contact, "sip:bob@192.0.2.1:5060");
    assert_eq!(registration.initial_registration, UnixSeconds(T0));
    assert!(registration.suppress_unregister_notify);
    assert!(!registration.register_overwrite_notify);
}

#[test]
fn it_lives_to_the_last_millisecond_and_no_longer() {
    let end = UnixMillis((T0 + 780) * 1000);
    assert!(bob().is_live(UnixMillis(end.0 - 1)));
    assert!(!bob().is_live(end));
}

#[test]
fn a_refresh_keeps_what_it_does_not_say_but_not_the_source() {
    let mut refresh = report(T0 + 1, 300, CONTACT);
    refresh.user_agent = None;
    refresh.to_host = None;
    refresh.source = Source::default();
    let (registration, how) = stored(judge(Some(&bob()), &refresh, NOW.plus_seconds(1)));
    assert_eq!(how, Stored::Refreshed);
    assert_eq!(registration.user_agent.as_deref(), Some("phone/1"));
    assert_eq!(&*registration.to_host, "nodomain.com");
    assert_eq!(registration.source, Source::default());
    assert_eq!(registration.initial_registration, UnixSeconds(T0));
    assert_eq!(registration.last_registration, UnixSeconds(T0 + 1));
}

#[test]
fn another_contact_moves_it() {
    let (registration, how) = stored(judge(
        Some(&bob()),
        &report(T0, 600, "<sip:bob@192.0.2.2>"),
        NOW,
    ));
    assert_eq!(how, Stored::Moved);
    assert_eq!(
        registration.previous_contact.as_deref(),
        Some("sip:bob@192.0.2.1:5060")
    );
}

#[test]
fn an_older_event_changes_nothing() {
    for seconds in [0, 600] {
        let decision = judge(Some(&bob()), &report(T0 - 1, seconds, CONTACT), NOW);
        assert_eq!(decision, Decision::Ignore(Ignored::Stale));
    }
}

#[test]
fn an_unregister_ends_the_contact_it_names() {
    for contact in [
        CONTACT,
        "<sip:bob@192.0.2.1:5060>;expires=0",
        "sip:bob@192.0.2.1:5060",
        "*",
    ] {
        let decision = judge(Some(&bob()), &report(T0, 0, contact), NOW);
        assert_eq!(
            decision,
            Decision::Remove(Removal::Unregistered),
            "{contact}"
        );
    }
}

#[test]
fn an_unregister_of_another_contact_ends_nothing() {
    let decision = judge(
        Some(&bob()),
        &report(T0, 0, "<sip:bob@192.0.2.9:5060>"),
        NOW,
    );
    assert_eq!(decision, Decision::Ignore(Ignored::OtherContact));
}

#[test]
fn a_register_without_contact_only_asks() {
    for seconds in [0, 600] {
        let decision = judge(Some(&bob()), &report(T0, seconds, "<null>"), NOW);
        assert_eq!(decision, Decision::Ignore(Ignored::NoContact));
    }
}

#[test]
fn a_backlog_does_not_bring_back_the_dead() {
    let late = UnixMillis((T0 + 780) * 1000);
    assert_eq!(
        judge(None, &report(T0, 600, CONTACT), late),
        Decision::Ignore(Ignored::Expired)
    );
}

#[test]
fn a_clock_that_runs_ahead_is_held_to_ours() {
    let (registration, _) = stored(judge(None, &report(T0 + 5000, 600, CONTACT), NOW));
    assert_eq!(registration.last_registration, UnixSeconds(T0));
}

#[test]
fn the_bridge_uri_goes_by_the_proxy() {
    let mut secure = report(T0, 600, "<sips:bob@192.0.2.1>");
    secure.proxy.path = Some("sip:10.26.0.5:5060;transport=udp".into());
    let (registration, _) = stored(judge(None, &secure, NOW));
    assert_eq!(
        registration.bridge_ruri().as_deref(),
        Some("sips:bob@sip.example.com;fs_path=sip:10.26.0.5:5060")
    );
}

proptest! {
    /// Whatever the order of events, with none from the future, the one that stands is never older
    /// than any registration that was applied.
    #[test]
    fn no_order_leaves_an_older_registration(times in prop::collection::vec(T0 - 500..=T0, 1..20)) {
        let mut current: Option<Registration> = None;
        for time in &times {
            if let Decision::Store(registration, _) = judge(current.as_ref(), &report(*time, 3600, CONTACT), NOW) {
                current = Some(*registration);
            }
        }
        let newest = times.iter().max().copied().unwrap_or_default();
        prop_assert_eq!(current.map(|current| current.last_registration), Some(UnixSeconds(newest)));
    }
}

/// A statement is dated by when it was asked for. Two proxies hold a phone; the one that it left is
/// heard first: what it states passes for newer than where the phone went, until its record tells.
#[test]
fn a_record_tells_since_when_what_was_stated_stands() {
    let at = |node: &str, origin, time, seconds, contact| Report {
        origin,
        registrar_node: Some(node.into()),
        ..report(time, seconds, contact)
    };
    let left = at("a", Origin::Statement, T0 - 10, 510, CONTACT);
    let (stated, _) = stored(judge(None, &left, NOW));
    let moved = at(
        "b",
        Origin::Record,
        T0 - 11,
        600,
        "<sip:bob@192.0.2.9:5060>",
    );
    assert_eq!(
        judge(Some(&stated), &moved, NOW),
        Decision::Ignore(Ignored::Stale)
    );

    let since = at("a", Origin::Record, T0 - 100, 600, CONTACT);
    let (corrected, kind) = stored(judge(Some(&stated), &since, NOW));
    assert_eq!(
        (corrected.last_registration.0, kind),
        (T0 - 100, Stored::Refreshed)
    );
    assert_eq!(corrected.expires_at(), stated.expires_at());
    assert_eq!(
        judge(Some(&corrected), &since, NOW),
        Decision::Ignore(Ignored::Known)
    );
    assert_eq!(
        judge(Some(&corrected), &left, NOW),
        Decision::Ignore(Ignored::Known)
    );
    let (there, kind) = stored(judge(Some(&corrected), &moved, NOW));
    assert_eq!(
        (&*there.contact, kind),
        ("sip:bob@192.0.2.9:5060", Stored::Moved)
    );
}
