//! Routing keys of whatever names there are.

use kapi::{
    Identity, Notice, authn_routes, encode_notice, encode_segment, flush_key, query_key,
    search_key, success_key,
};

use crate::world::MAX_KEY_BYTES;

/// A username and a realm with a line break between them.
pub fn routing_key(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (username, realm) = text.split_once('\n').unwrap_or((&text, "sip.example.com"));
    for name in [username, realm] {
        segment(name);
    }
    let identity = Identity::new("rollcall@fuzz").expect("a short name");
    let check_sync = encode_notice(Notice::CheckSync { username, realm }, &identity).1;
    let [endpoint, plain] = authn_routes(realm);
    for (key, dots) in [
        (flush_key(realm), 2),
        (success_key(realm, username), 3),
        (search_key(realm), 2),
        (query_key(Some(realm)), 3),
        (check_sync, 3),
        (endpoint.1, 3),
        (plain.1, 2),
    ] {
        assert!(key.len() <= MAX_KEY_BYTES, "{} bytes: {key}", key.len());
        assert_eq!(key.matches('.').count(), dots, "{key}");
        assert!(key.is_ascii());
    }
}

fn segment(name: &str) {
    let segment = encode_segment(name);
    if matches!(name, "*" | "#") {
        assert_eq!(segment, name);
        return;
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-~_+%".contains(&byte);
    assert!(segment.bytes().all(is_plain), "{segment}");
    assert_eq!(
        decode(&segment).as_deref(),
        Some(name.as_bytes()),
        "{segment}"
    );
}

fn decode(segment: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match first {
            b'%' => {
                let (hex, tail) = rest.split_at_checked(2)?;
                rest = tail;
                u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?
            }
            b'+' => b' ',
            other => *other,
        });
    }
    Some(bytes)
}
