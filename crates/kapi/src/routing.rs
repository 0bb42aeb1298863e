//! Exchanges, bindings and routing keys, with names encoded as Kazoo does.

use std::fmt::Write as _;

/// The topic exchange of registration events and flushes.
pub const REGISTRAR_EXCHANGE: &str = "registrar";
/// The direct exchange of answers; the routing key is the asker's Server-ID.
pub const TARGETED_EXCHANGE: &str = "targeted";
/// The topic exchange on which Kazoo's own nodes ask its directory.
pub const CALLMGR_EXCHANGE: &str = "callmgr";
/// The topic exchange of notices to people.
pub const NOTIFICATIONS_EXCHANGE: &str = "notifications";
/// The topic exchange of presence, and of notices of overwritten registrations.
pub const PRESENCE_EXCHANGE: &str = "presence";
/// The topic exchange of commands to switches, which pass them on to phones.
pub const SWITCH_EXCHANGE: &str = "switch";
/// Binding for every question who is registered.
pub const QUERY_BINDING: &str = "registration.query.*.*";
/// Binding for every registration event.
pub const SUCCESS_BINDING: &str = "registration.success.*.*";
/// Binding for every flush.
pub const FLUSH_BINDING: &str = "registration.flush.*";
/// Routing key of the request to proxies to replay their registrations.
pub const SYNC_KEY: &str = "registration.sync";

/// The routing key of a registration event.
pub fn success_key(realm: &str, username: &str) -> String {
    key("registration.success", &[realm, username])
}

/// The routing key of a flush of a realm.
pub fn flush_key(realm: &str) -> String {
    key("registration.flush", &[realm])
}

/// The routing key of a `search_req`.
pub fn search_key(realm: &str) -> String {
    key("registration.search_req", &[realm])
}

/// The routing key of a `reg_query` of a realm, or of all.
pub fn query_key(realm: Option<&str>) -> String {
    key("registration.query", &[realm.unwrap_or("all"), "*"])
}

/// Exchanges and routing keys on which directories take an `authn_req`: the first is for proxies,
/// the second for Kazoo's own nodes.
pub fn authn_routes(realm: &str) -> [(&'static str, String); 2] {
    [
        (REGISTRAR_EXCHANGE, key("authn.endpoint.req", &[realm])),
        (CALLMGR_EXCHANGE, key("authn.req", &[realm])),
    ]
}

/// Encodes one segment: `A-Z a-z 0-9 - ~ _` stay, a space becomes `+`, every other byte `%XX`;
/// the whole strings `*`, `#` and the empty one stay as they are.
pub fn encode_segment(text: &str) -> String {
    if matches!(text, "*" | "#") {
        return text.to_owned();
    }
    let mut segment = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'~' | b'_' => {
                segment.push(char::from(byte));
            }
            b' ' => segment.push('+'),
            // Writing to a String cannot fail.
            _ => drop(write!(segment, "%{byte:02X}")),
        }
    }
    segment
}

/// The most bytes that AMQP allows in a routing key.
const MAX_KEY_BYTES: usize = 255;

/// A routing key: `prefix`, and a segment for each name.
///
/// If that is longer than AMQP allows, segments are cut short. The message still arrives: consumers
/// bind to a number of segments, and take the names from the body.
pub(crate) fn key(prefix: &str, names: &[&str]) -> String {
    let mut segments: Vec<String> = names.iter().map(|name| encode_segment(name)).collect();
    let room = MAX_KEY_BYTES.saturating_sub(prefix.len() + names.len());
    let mut wanted: usize = segments.iter().map(String::len).sum();
    let mut longest: Vec<&mut String> = segments.iter_mut().collect();
    longest.sort_by_key(|segment| std::cmp::Reverse(segment.len()));
    let share = room / names.len().max(1);
    for segment in longest {
        if wanted > room {
            let excess = wanted - room;
            wanted -= segment.len();
            cut(segment, segment.len().saturating_sub(excess).max(share));
            wanted += segment.len();
        }
    }
    [prefix.to_owned()]
        .into_iter()
        .chain(segments)
        .collect::<Vec<_>>()
        .join(".")
}

/// Cuts a segment to at most this many bytes, and never within a `%XX`.
fn cut(segment: &mut String, length: usize) {
    segment.truncate(length);
    if let Some(at) = segment.rfind('%').filter(|at| at + 3 > segment.len()) {
        segment.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agrees_with_kazoo() {
        let pairs: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../../fixtures/oracle/encode.json")).unwrap();
        assert!(pairs.len() > 10);
        for pair in pairs {
            assert_eq!(
                encode_segment(pair["in"].as_str().unwrap()),
                pair["out"].as_str().unwrap()
            );
        }
    }

    fn decode_segment(segment: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = segment.as_bytes();
        while let [first, tail @ ..] = rest {
            match (first, tail) {
                (b'%', [high, low, tail @ ..]) => {
                    let hex = [*high, *low];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                    rest = tail;
                    continue;
                }
                (b'+', _) => bytes.push(b' '),
                (other, _) => bytes.push(*other),
            }
            rest = tail;
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Consumers bind to a number of segments, and read the names in the body.
    #[test]
    fn no_key_is_longer_than_amqp_takes() {
        let (realm, username) = ("label.".repeat(42), "ü".repeat(127));
        let identity = crate::Identity::new("rollcall@test").unwrap();
        let (username, realm) = (&*username, &*realm);
        let check_sync = crate::Notice::CheckSync { username, realm };
        let [endpoint, authn] = crate::authn_routes(realm);
        for (key, dots) in [
            (flush_key(realm), 2),
            (success_key(realm, username), 3),
            (crate::search_key(realm), 2),
            (crate::query_key(Some(realm)), 3),
            (crate::encode_notice(check_sync, &identity).1, 3),
            (endpoint.1, 3),
            (authn.1, 2),
        ] {
            assert!((200..=255).contains(&key.len()), "{key}");
            assert_eq!(key.matches('.').count(), dots, "{key}");
            let cut_short = key
                .split('%')
                .skip(1)
                .any(|rest| rest.len() < 2 || rest.starts_with('.'));
            assert!(!cut_short, "{key}");
        }
        assert!(crate::query_key(Some(realm)).ends_with(".*"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_segment_splits(text in "\\PC*") {
            let segment = encode_segment(&text);
            prop_assert!(!segment.contains('.'));
            prop_assert_eq!(decode_segment(&segment), text);
        }
    }
}
