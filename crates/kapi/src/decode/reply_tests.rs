//! Answers as they were captured, and as some proxies write them.

use registration::{Lifetime, Origin, Registration};
use serde_json::{Value, json};

use super::*;
use crate::{Event, Found, Identity, Limits, decode};

fn read(body: &str) -> Result<Reply, Reject> {
    match decode(body.as_bytes(), Limits::default())? {
        Event::Reply(reply) => Ok(*reply),
        other => panic!("{other:?}"),
    }
}

fn captured(file: &str) -> String {
    let path = format!(
        "{}/../../fixtures/captures/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let capture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    capture["body"].as_str().unwrap().to_owned()
}

fn aors(reply: &Reply) -> Vec<String> {
    let Content::Found(found) = &reply.content else {
        panic!("{reply:?}")
    };
    let aor = |found: &Found| match found {
        Found::Aor { username, realm } => format!("{username}@{realm}"),
        Found::Binding(_) => panic!("{found:?}"),
    };
    found.iter().map(aor).collect()
}

#[test]
fn a_summary() {
    let reply = read(&captured("case-search-partial-resp-summary.json")).unwrap();
    assert_eq!(&*reply.msg_id, "f1408e8dc9e34f8b99f5b56ae525cdaa");
    assert_eq!(reply.node.as_deref(), Some("kamailio@kam1.lab.local"));
    let all = [
        "ccv0s@s.example.com",
        "s1@s.example.com",
        "s2@s.example.com",
        "s3@s.example.com",
    ];
    assert_eq!(aors(&reply), all);
}

#[test]
fn a_summary_without_quotes_is_mended() {
    let part = |list: &str| {
        format!(
            r#"{{ "Event-Category": "registration", "Event-Name": "search_partial_resp", "Msg-ID": "m",
            "Registrations": [{list}], "Node": "kamailio@a" }}"#
        )
    };
    let reply = read(&part(" bob@a.example.com, amy@a.example.com ")).unwrap();
    assert_eq!(aors(&reply), ["bob@a.example.com", "amy@a.example.com"]);
    assert_eq!(reply.node.as_deref(), Some("kamailio@a"));
    assert!(aors(&read(&part(" ")).unwrap()).is_empty());
    for broken in [r#""bob@a.example.com"#, "{", "bob", "\"@a\""] {
        assert!(read(&part(broken)).is_err(), "{broken}");
    }
}

#[test]
fn the_end_of_a_search() {
    for file in [
        "case-search-resp-terminator.json",
        "case-search-resp-meta.json",
    ] {
        assert_eq!(read(&captured(file)).unwrap().content, Content::EndOfSearch);
    }
}

#[test]
fn a_binding_in_detail() {
    let reply = read(&captured("case-search-partial-resp-detail.json")).unwrap();
    let Content::Found(found) = reply.content else {
        panic!("{reply:?}")
    };
    let [Found::Binding(report)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (&*report.username, &*report.realm),
        ("ccv0s", "s.example.com")
    );
    assert_eq!(
        (report.time.0, report.lifetime),
        (1_795_426_413, Lifetime::Seconds(600))
    );
    assert_eq!(report.origin, Origin::Record);
    assert_eq!(&*report.contact, "sip:ccv0s@127.0.0.1:48386");
    assert_eq!(
        report.proxy.path.as_deref(),
        Some("sip:127.0.0.1:5060;transport=udp")
    );
    assert_eq!(report.source.port.as_deref(), Some("48386"));
    assert_eq!(
        report.registrar_node.as_deref(),
        Some("kamailio@kam1.lab.local")
    );
    assert_eq!(report.call_id.as_deref(), Some("s4@lab"));
}

#[test]
fn the_directorys_answers() {
    let reply = read(&captured("case-authn-resp-directory-targeted.json")).unwrap();
    let Content::Device(device) = reply.content else {
        panic!("{reply:?}")
    };
    assert_eq!(
        device.account.id.as_ref().unwrap().as_str(),
        "be9b112cbc2b01bf6b99e832843ae10b"
    );
    assert_eq!(device.account.authorizing_type.as_deref(), Some("device"));
    assert_eq!(device.suppress_unregister_notify, Some(false));
    assert_eq!(device.register_overwrite_notify, Some(true));
    for file in [
        "case-authn-err-directory-targeted.json",
        "case-authn-err-permanent-error.json",
    ] {
        assert_eq!(
            read(&captured(file)).unwrap().content,
            Content::UnknownDevice
        );
    }
}

/// Every answer of Kazoo to the recorded questions is read as Kazoo meant it.
#[test]
fn other_registrars_answers() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../../fixtures/oracle/amqp-query.json")).unwrap();
    let (mut records, mut counts, mut nothings) = (0, 0, 0);
    for published in cases
        .iter()
        .filter_map(|case| case["published"].as_array())
        .flatten()
    {
        let text = published["payload"]
            .to_string()
            .replace("\"@T0\"", "63900000000");
        match read(&text).unwrap().content {
            Content::NoRegistrations => nothings += 1,
            Content::Registrations {
                count: Some(count), ..
            } => {
                assert_eq!(json!(count), published["payload"]["Count"]);
                counts += 1;
            }
            Content::Registrations {
                records: read,
                unreadable,
                ..
            } => {
                // Questions for a few fields only are not ours.
                let whole = |record: &&Value| record.get("Event-Timestamp").is_some();
                let all = published["payload"]["Fields"].as_array().unwrap();
                assert_eq!(read.len(), all.iter().filter(whole).count());
                let realm_only = |record: &&Value| {
                    record.get("Username").is_none() && record.get("Realm").is_some()
                };
                let rest = all.iter().filter(|r| !whole(r) && !realm_only(r));
                assert_eq!(unreadable, rest.count());
                records += read.len();
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(
        records > 3 && counts > 0 && nothings > 0,
        "{records} {counts} {nothings}"
    );
}

#[test]
fn realms_alone() {
    let body = json!({
        "Event-Category": "directory", "Event-Name": "reg_query_resp", "Msg-ID": "m", "Registrar-Age": 1,
        "Fields": [{"Realm": "a"}, {"Realm": "b"}, {"Realm": "a"}],
    });
    let Content::Registrations {
        records,
        realms,
        unreadable,
        ..
    } = read(&body.to_string()).unwrap().content
    else {
        panic!()
    };
    assert_eq!((records.len(), unreadable), (0, 0));
    assert_eq!(realms, ["a", "b"]);
}

#[test]
fn our_own_answer_is_read_back() {
    let (report, query) = (
        json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Username": "bob", "Realm": "a",
            "Contact": "<sip:bob@192.0.2.1>", "Expires": 600, "Event-Timestamp": 1_795_425_485,
        }),
        crate::Query {
            msg_id: "m".into(),
            reply_to: "q".into(),
            ..crate::Query::default()
        },
    );
    let Ok(Event::Registration(report)) = decode(report.to_string().as_bytes(), Limits::default())
    else {
        panic!()
    };
    let zone = registration::Zone::new("local");
    let stored = Registration::from_record(&report, &zone, "nodomain.com", report.time);
    let answer = crate::Answer::Registrations(std::iter::once(stored.clone()));
    let identity = Identity::new("rollcall@test").unwrap();
    let answer = crate::encode_answer(&query, answer, 1, &identity);
    let Content::Registrations { records, .. } =
        read(std::str::from_utf8(&answer).unwrap()).unwrap().content
    else {
        panic!()
    };
    let again = Registration::from_record(&records[0], &zone, "nodomain.com", report.time);
    assert_eq!(again, stored);
}
