//! Flushes go out confirmed, and come in.

use std::sync::Arc;

use kapi::{FLUSH_BINDING, Flush, Identity, REGISTRAR_EXCHANGE, encode_flush, flush_key};
use lab::{amqp::Client, broker};
use registrar::{LinkState, PublishFailure};
use tokio::task::JoinSet;

use crate::node::{Node, REALM, TIMEOUT, account, register};

#[tokio::test]
async fn a_flush_goes_out_and_its_echo_changes_nothing() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    let mut tap = client.tap(REGISTRAR_EXCHANGE, FLUSH_BINDING).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await?;

    let scope = node.registrar.scope(&account(), None).unwrap();
    let flushed = node.registrar.flusher().flush_account(&scope).await?;
    assert_eq!((flushed.forgotten, flushed.missing.len()), (1, 0));
    let message = tap.next(TIMEOUT).await?;
    assert_eq!(message.routing_key, flush_key(REALM));
    assert_eq!(message.json()?["Realm"], REALM);
    node.counts("flush", "own", 1).await?;
    assert_eq!(node.registrar.metrics().of("flush", "applied"), 0);
    Ok(())
}

#[tokio::test]
async fn another_nodes_flush_forgets() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    register(&client, "eve", "192.0.2.2:5060").await?;
    node.knows("eve", "192.0.2.2:5060").await?;
    let flush = Flush {
        realm: REALM.into(),
        username: Some("bob".into()),
        cache_only: false,
    };
    let body = encode_flush(&flush, &Identity::new("rollcall@other")?);
    client
        .publish(REGISTRAR_EXCHANGE, &flush_key(REALM), &body)
        .await?;
    node.counts("flush", "applied", 1).await?;
    let left: Vec<_> = node.list().iter().map(|r| r.username.clone()).collect();
    assert_eq!(left.iter().map(|name| &**name).collect::<Vec<_>>(), ["eve"]);
    Ok(())
}

#[tokio::test]
async fn a_publication_that_breaks_its_channel_breaks_no_other() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    for _ in 0..3 {
        let receipt = node.publish("no-such-exchange", "x".into()).await;
        let [(_, PublishFailure::Failed(reason))] = &receipt.missing[..] else {
            panic!("{receipt:?}");
        };
        assert!(reason.contains("no-such-exchange"), "{reason}");
        let receipt = node.publish(REGISTRAR_EXCHANGE, flush_key(REALM)).await;
        assert_eq!(receipt.confirmed.len(), 1, "{receipt:?}");
    }
    let health = node.health().unwrap();
    assert_eq!(health.link, LinkState::Consuming);
    assert_eq!(health.links(), 1, "the connection had to go");
    Ok(())
}

#[tokio::test]
async fn a_routing_key_that_is_too_long_is_an_error() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let long = "a".repeat(256);
    let receipt = node.publish(REGISTRAR_EXCHANGE, long).await;
    let [(_, failure)] = &receipt.missing[..] else {
        panic!("{receipt:?}");
    };
    assert_eq!(*failure, PublishFailure::RoutingKeyTooLong);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn more_at_once_than_may_be_in_flight_are_all_confirmed() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let publish = |_| node.publish(REGISTRAR_EXCHANGE, flush_key(REALM));
    let receipts = futures_util::future::join_all((0..1_000).map(publish)).await;
    assert!(receipts.iter().all(|receipt| receipt.missing.is_empty()));
    Ok(())
}

/// Of two that are under way together, each gets its own answer: 200 for a flush that no queue
/// took would be a lie.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_publication_gets_its_own_answer() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Arc::new(Node::up(vhost.uri()).await?);
    for round in 0..10 {
        let mut publishing = JoinSet::new();
        for n in 0..100 {
            let node = Arc::clone(&node);
            publishing.spawn(async move {
                let taken = n % 2 == 0;
                let key = if taken {
                    flush_key(REALM)
                } else {
                    "nobody.wants.this".into()
                };
                (taken, node.publish(REGISTRAR_EXCHANGE, key).await)
            });
        }
        while let Some(published) = publishing.join_next().await {
            let (taken, receipt) = published?;
            assert_eq!(
                taken,
                receipt.missing.is_empty(),
                "round {round}: {receipt:?}"
            );
        }
    }
    Ok(())
}
