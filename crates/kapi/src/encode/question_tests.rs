//! What we ask is what Kazoo asks.

use serde_json::Value;

use super::*;
use crate::{Event, Limits, SYNC_KEY, authn_routes, decode, query_key, search_key};

fn identity() -> Identity {
    Identity::new("rollcall@test").unwrap()
}

fn object(bytes: &[u8]) -> serde_json::Map<String, Value> {
    serde_json::from_slice(bytes).unwrap()
}

/// The body of a captured message, and its routing key.
fn captured(file: &str) -> (serde_json::Map<String, Value>, String) {
    let path = format!(
        "{}/../../fixtures/captures/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let capture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let body = object(capture["body"].as_str().unwrap().as_bytes());
    (body, capture["routing_key"].as_str().unwrap().to_owned())
}

/// The same headers, and the same values but for those that say who and when.
fn same(ours: &serde_json::Map<String, Value>, theirs: &serde_json::Map<String, Value>) {
    for (header, value) in theirs {
        let own = ["Server-ID", "App-Name", "App-Version", "Node", "Msg-ID"];
        let ours = ours.get(header).unwrap_or_else(|| panic!("no {header}"));
        if !own.contains(&header.as_str()) {
            assert_eq!(ours, value, "{header}");
        }
    }
    assert_eq!(ours.len(), theirs.len(), "{ours:?}");
}

#[test]
fn searches_are_those_that_proxies_answer() {
    for (file, kind) in [
        ("case-search-req-summary.json", SearchType::Summary),
        ("case-search-req-detail.json", SearchType::Detail),
    ] {
        let (theirs, key) = captured(file);
        let search = Search {
            kind,
            realm: theirs["Realm"].as_str().unwrap().into(),
            username: None,
        };
        let ours = object(&encode_search(&search, "m1", &identity()));
        same(&ours, &theirs);
        assert_eq!(search_key(&search.realm), key);
        assert_eq!(ours["Msg-ID"], "m1");
    }
    let one = Search {
        kind: SearchType::Summary,
        realm: "a.example.com".into(),
        username: Some("bob".into()),
    };
    assert_eq!(
        object(&encode_search(&one, "m1", &identity()))["Username"],
        "bob"
    );
}

#[test]
fn a_sync_is_the_one_that_proxies_answer() {
    let (theirs, key) = captured("case-reg-sync-request.json");
    same(&object(&encode_sync(&identity())), &theirs);
    assert_eq!(SYNC_KEY, key);
}

#[test]
fn a_question_to_peers_is_read_back() {
    for (realm, count_only) in [(None, false), (None, true), (Some("A.example.com"), false)] {
        let question = PeerQuestion {
            realm: realm.map(Into::into),
            fields: vec!["Realm"],
            count_only,
        };
        let identity = identity();
        let body = encode_query(&question, "m1", &identity);
        let Ok(Event::Query(read)) = decode(&body, Limits::default()) else {
            panic!("no query")
        };
        assert_eq!(read.realm, question.realm);
        assert_eq!((&*read.fields[0], read.count_only), ("Realm", count_only));
        assert_eq!(
            (&*read.reply_to, &*read.msg_id),
            (identity.server_id(), "m1")
        );
    }
    assert_eq!(query_key(None), "registration.query.all.*");
    assert_eq!(query_key(Some("a.b")), "registration.query.a%2Eb.*");
}

#[test]
fn the_directory_is_asked_as_the_proxies_ask_it() {
    let (theirs, key) = captured("case-authn-req-kamailio-registrar-exchange.json");
    let ours = object(&encode_authn("bob", "sip.example.com", "m1", &identity()));
    for header in [
        "Event-Category",
        "Event-Name",
        "Method",
        "Auth-Realm",
        "Auth-User",
    ] {
        assert_eq!(ours[header], theirs[header], "{header}");
    }
    let routes = authn_routes("sip.example.com");
    assert_eq!(routes[0], ("registrar", key));
    assert_eq!(
        routes[1],
        ("callmgr", "authn.req.sip%2Eexample%2Ecom".to_owned())
    );
}
