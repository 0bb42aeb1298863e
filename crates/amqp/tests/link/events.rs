//! Events come in, in order, whatever else comes in between.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use lab::{amqp::Client, broker};
use registration::{Clock, UnixMillis};

use crate::node::{NOW, Node, event, register, send, settings};

#[tokio::test]
async fn an_event_becomes_a_registration() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await?;
    assert_eq!(node.list().len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_last_of_many_refreshes_wins() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    for n in 1..=1_000 {
        let contact = if n % 2 == 1 { "192.0.2.1" } else { "192.0.2.2" };
        // All of the same second: nothing but the order of delivery tells which is newest.
        register(&client, "bob", &format!("{contact}:{n}")).await?;
        register(&client, "eve", &format!("192.0.2.3:{}", 2_000 - n)).await?;
    }
    node.knows("bob", "192.0.2.2:1000").await?;
    node.knows("eve", "192.0.2.3:1000").await?;
    let stored: u64 = node
        .registrar
        .metrics()
        .counts()
        .filter(|(kind, ..)| *kind == "stored")
        .map(|(.., n)| n)
        .sum();
    assert_eq!(stored, 2_000, "some were lost or came twice");
    Ok(())
}

#[tokio::test]
async fn garbage_is_counted_and_keeps_nobody_waiting() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    let mut no_realm = event("bob", "192.0.2.1");
    no_realm.as_object_mut().unwrap().remove("Realm");
    no_realm["Custom-Channel-Vars"] = serde_json::json!({});
    let mut bad_expires = event("bob", "192.0.2.1");
    bad_expires["Expires"] = "abc".into();
    let mut huge = event("bob", "192.0.2.1");
    huge["User-Agent"] = "x".repeat(5_000_000).into();
    let mut not_utf8 = event("b?b", "192.0.2.1").to_string().into_bytes();
    not_utf8
        .iter_mut()
        .filter(|byte| **byte == b'?')
        .for_each(|byte| *byte = 0xFF);
    let garbage: [(&str, Vec<u8>); 7] = [
        ("not_json", b"hello".to_vec()),
        ("not_json", Vec::new()),
        ("not_an_object", b"[1, 2]".to_vec()),
        ("not_utf8", not_utf8),
        ("missing_header", no_realm.to_string().into_bytes()),
        ("bad_value", bad_expires.to_string().into_bytes()),
        ("too_large", huge.to_string().into_bytes()),
    ];
    let mut expected = std::collections::HashMap::new();
    for (n, (reason, body)) in garbage.iter().enumerate() {
        send(&client, "bob", body).await?;
        *expected.entry(*reason).or_insert(0) += 1;
        node.counts("rejected", reason, expected[reason]).await?;
        let good = format!("good{n}");
        register(&client, &good, "192.0.2.1:5060").await?;
        node.knows(&good, "192.0.2.1:5060").await?;
    }
    assert_eq!(node.list().len(), garbage.len());
    Ok(())
}

/// Goes wrong once.
#[derive(Default)]
struct Treacherous(AtomicBool);

impl Clock for Treacherous {
    fn now(&self) -> UnixMillis {
        assert!(!self.0.swap(false, Ordering::SeqCst), "as the test wants");
        UnixMillis(NOW * 1_000)
    }
}

#[tokio::test]
async fn an_event_that_makes_us_panic_is_dropped_once_and_for_all() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let clock = Arc::new(Treacherous::default());
    let node = Node::start_with_clock(
        settings(),
        &[vhost.uri()],
        Arc::<Treacherous>::clone(&clock),
    )?;
    node.consuming().await?;
    let client = Client::connect(vhost.uri()).await?;
    clock.0.store(true, Ordering::SeqCst);
    register(&client, "bob", "192.0.2.1:5060").await?;
    register(&client, "eve", "192.0.2.2:5060").await?;
    // Not `knows`: reading the table asks the clock, too.
    node.counts("stored", "registered", 1).await?;
    assert_eq!(node.list().len(), 1, "the other one came again");
    node.stop().await?;

    let node = Node::up(vhost.uri()).await?;
    register(&client, "amy", "192.0.2.3:5060").await?;
    node.knows("amy", "192.0.2.3:5060").await?;
    assert_eq!(node.list().len(), 1, "it was delivered once more");
    Ok(())
}
