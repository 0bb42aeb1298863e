//! Routing keys: how Kazoo writes a name as one segment of a topic.

use std::fmt::Write as _;

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

/// The routing key of a flush of a realm.
pub fn flush_key(realm: &str) -> String {
    format!("registration.flush.{}", encode_segment(realm))
}

/// The routing key of a registration event.
pub fn success_key(realm: &str, username: &str) -> String {
    format!(
        "registration.success.{}.{}",
        encode_segment(realm),
        encode_segment(username)
    )
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

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_segment_splits(text in "\\PC*") {
            let segment = encode_segment(&text);
            prop_assert!(!segment.contains('.'));
            prop_assert_eq!(decode_segment(&segment), text);
        }
    }
}
