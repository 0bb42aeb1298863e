//! `[amqp]`: connections to brokers.

use std::time::Duration;

use amqp::Settings;
use kapi::Limits;

use super::reader::{MIB, Reader};

/// `[amqp]`
#[derive(Debug)]
pub struct Amqp {
    /// All zones' connections.
    pub settings: Settings,
    /// Bounds on messages.
    pub limits: Limits,
}

/// Server-IDs and queue names are made from the node's name, and Kamailio 5.6 crashes on a
/// Server-ID of 87 bytes or more.
const MAX_NODE_BYTES: usize = 40;

impl Amqp {
    /// Reads the section. Whether a notifier is elected is for `[notices]` to say.
    pub(super) fn read(r: &mut Reader) -> Self {
        let node = read_node(r);
        let prefetch = r.number("amqp.prefetch", "messages", 1..=65_535, 2_000);
        let heartbeat = r.seconds("amqp.heartbeat", 1..=600, 10);
        let connect_timeout = r.seconds("amqp.connect_timeout", 1..=120, 10);
        let publish_timeout = r.seconds("amqp.publish_timeout", 1..=120, 5);
        let (reconnect_min, reconnect_max) = read_reconnect(r);
        let max_body_bytes = r.number("amqp.max_message_bytes", "bytes", 1024..=16 * MIB, 65_536);
        let lengths = 1_000..=100_000_000;
        Self {
            settings: Settings {
                node,
                prefetch,
                heartbeat,
                connect_timeout,
                publish_timeout,
                reconnect_min,
                reconnect_max,
                queue_expires: r.seconds("amqp.queue_expires", 10..=86_400, 300),
                queue_max_length: r.number("amqp.queue_max_length", "messages", lengths, 1_000_000),
                answer_queries: r.flag("amqp.answer_queries", true),
                elect_notifier: false,
            },
            limits: Limits { max_body_bytes },
        }
    }
}

fn read_reconnect(r: &mut Reader) -> (Duration, Duration) {
    let min = r.number("amqp.reconnect_min", "milliseconds", 10..=60_000, 200);
    let max = r.number("amqp.reconnect_max", "milliseconds", 10..=600_000, 10_000);
    if max < min {
        r.problem(&format!(
            "amqp.reconnect_max = {max} is less than amqp.reconnect_min = {min}"
        ));
    }
    (Duration::from_millis(min), Duration::from_millis(max))
}

fn read_node(r: &mut Reader) -> String {
    let (key, default) = ("amqp.node", "rollcall@ and the host's name");
    let takes = format!("1 to {MAX_NODE_BYTES} printable ASCII characters without spaces");
    let is_set = r.has(key);
    let node = r.optional(key, &takes, default, |text| {
        fits(text).then(|| text.to_owned())
    });
    match node {
        Some(node) => node,
        None if is_set => String::new(),
        None => {
            let host = hostname::get().unwrap_or_default();
            let host = host.to_string_lossy();
            default_node(&host).unwrap_or_else(|| {
                r.problem(&format!(
                    "amqp.node is missing, and the host's name {host:?} does not make one: set amqp.node; \
                     takes {takes}"
                ));
                String::new()
            })
        }
    }
}

fn fits(node: &str) -> bool {
    let length = 1..=MAX_NODE_BYTES;
    length.contains(&node.len()) && node.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `rollcall@` and the host's name, or its first label alone where the whole is too long. Never a
/// name that another host could come to as well: nodes of the same name share a queue, and each
/// sees only a part of what happens.
fn default_node(host: &str) -> Option<String> {
    let label = host.split('.').next().unwrap_or_default();
    [host, label]
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(|name| format!("rollcall@{name}"))
        .find(|node| fits(node))
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{TOKENS, load, refused},
        *,
    };

    #[test]
    fn a_node_is_named_after_its_host() {
        let node = |host: &str| default_node(host);
        assert_eq!(node("a.example.com").unwrap(), "rollcall@a.example.com");
        let long = format!("a.{}.example.com", "b".repeat(40));
        assert_eq!(node(&long).unwrap(), "rollcall@a");
        assert_eq!(node(&"a".repeat(31)).unwrap().len(), MAX_NODE_BYTES);
        for none in [&"a".repeat(32), "", "häuschen"] {
            assert_eq!(node(none), None, "{none}");
        }
    }

    #[test]
    fn a_node_name_has_a_limit() {
        let named = |length: usize| format!("[amqp]\nnode = \"{}\"", "n".repeat(length));
        let config = load(&named(MAX_NODE_BYTES), &[TOKENS]).unwrap();
        assert_eq!(config.amqp.settings.node.len(), MAX_NODE_BYTES);
        for bad in [named(0), named(41), "[amqp]\nnode = \"a b\"".into()] {
            let said = refused(&bad, &[TOKENS]);
            assert!(said.contains("amqp.node = "), "{said}");
            assert!(said.contains("takes 1 to 40 printable ASCII"), "{said}");
            assert!(!said.contains("is missing"), "{said}");
        }
    }

    #[test]
    fn waits_stand_in_order() {
        let waits = |min, max| format!("[amqp]\nreconnect_min = {min}\nreconnect_max = {max}");
        assert!(load(&waits(500, 500), &[TOKENS]).is_ok());
        let said = refused(&waits(500, 499), &[TOKENS]);
        let part = "amqp.reconnect_max = 499 is less than amqp.reconnect_min = 500";
        assert!(said.contains(part), "{said}");
    }
}
