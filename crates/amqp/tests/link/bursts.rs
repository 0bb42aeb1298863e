//! Bursts: nobody is missing meanwhile, and the last word stands.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lab::{amqp::Client, broker};

use crate::node::{NOW, Node, event, register, send, settings};

const PHONES: u64 = 1_000;

/// Messages that the broker has, but has not confirmed.
const UNDER_WAY: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_fifty_thousand_hides_nobody() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    for n in 0..PHONES {
        register(&client, &format!("phone{n}"), "192.0.2.1:5060").await?;
    }
    node.counts("stored", "registered", PHONES).await?;
    let over = AtomicBool::new(false);
    let burst = async {
        stream::iter(0..50_000u64)
            .map(|n| {
                let name = format!("phone{}", n % PHONES);
                let client = &client;
                async move { register(client, &name, "192.0.2.1:5060").await }
            })
            .buffered(UNDER_WAY)
            .try_collect::<()>()
            .await?;
        let refreshed = node.counts("stored", "refreshed", 50_000).await;
        over.store(true, Ordering::Relaxed);
        refreshed
    };
    let looking = async {
        let mut looks = 0;
        while !over.load(Ordering::Relaxed) {
            assert_eq!(node.list().len() as u64, PHONES);
            looks += 1;
            tokio::task::yield_now().await;
        }
        looks
    };
    let (burst, looks) = tokio::join!(burst, looking);
    burst?;
    assert!(looks > 100, "looked only {looks} times");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_events_in_order_the_second_stands() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::start(settings(), &[vhost.uri()])?;
    node.consuming().await?;
    let client = Client::connect(vhost.uri()).await?;
    stream::iter(0..2 * PHONES)
        .map(|n| {
            let (name, second) = (format!("phone{}", n / 2), n % 2);
            let contact = format!("192.0.2.{}:5060", 1 + second);
            let mut event = event(&name, &contact);
            event["Event-Timestamp"] = (NOW - 1 + second).into();
            let client = &client;
            async move { send(client, &name, event.to_string().as_bytes()).await }
        })
        .buffered(UNDER_WAY)
        .try_collect::<()>()
        .await?;
    node.counts("stored", "moved", PHONES).await?;
    let list = node.list();
    assert_eq!(list.len() as u64, PHONES);
    assert!(list.iter().all(|r| r.contact.contains("192.0.2.2")));
    Ok(())
}
