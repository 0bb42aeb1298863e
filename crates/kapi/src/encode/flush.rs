//! The flush command to proxies and registrars.

use super::message::encode;
use crate::{event::Flush, identity::Identity};

/// The body of a `reg_flush`.
pub fn encode_flush(flush: &Flush, identity: &Identity) -> Vec<u8> {
    let msg_id = Identity::message_id();
    encode(("directory", "reg_flush"), &msg_id, identity, |message| {
        message.text("Realm", &flush.realm);
        message.maybe("Username", flush.username.as_deref());
        if flush.cache_only {
            message.value("Cache-Only", &true);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Limits, decode};

    fn identity() -> Identity {
        Identity::new("rollcall@test").unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for username in [None, Some("bob".into())] {
            let flush = Flush {
                realm: "sip.example.com".into(),
                username,
                cache_only: false,
            };
            let identity = identity();
            let Ok(Event::Flush(read, sender)) =
                decode(&encode_flush(&flush, &identity), Limits::default())
            else {
                panic!("not a flush");
            };
            assert_eq!(read, flush);
            assert_eq!(sender.server_id.as_deref(), Some(identity.server_id()));
        }
    }

    /// The same headers as Crossbar publishes.
    #[test]
    fn headers_are_those_of_kazoo() {
        let kazoo: serde_json::Value =
            serde_json::from_str(include_str!("../../../../fixtures/oracle/amqp-other.json"))
                .unwrap();
        for case in kazoo.as_array().unwrap() {
            let payload = case["payload"].as_object().unwrap();
            if payload["Event-Name"] != "reg_flush" {
                continue;
            }
            let text = |key: &str| payload.get(key).and_then(|value| value.as_str());
            let flush = Flush {
                realm: text("Realm").unwrap().into(),
                username: text("Username").map(Into::into),
                cache_only: false,
            };
            let ours: serde_json::Value =
                serde_json::from_slice(&encode_flush(&flush, &identity())).unwrap();
            let keys = |object: &serde_json::Map<String, serde_json::Value>| {
                object
                    .keys()
                    .cloned()
                    .collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(keys(ours.as_object().unwrap()), keys(payload));
            assert_eq!(
                crate::flush_key(&flush.realm),
                case["routing_key"].as_str().unwrap()
            );
        }
    }
}
