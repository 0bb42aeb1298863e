//! Others on the same broker.

use std::time::Duration;

use lab::{amqp::Client, broker};

use crate::node::{Node, QUEUE, register, settings};

#[tokio::test]
async fn a_second_process_of_the_same_name_says_so_and_takes_nothing() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let first = Node::up(vhost.uri()).await?;
    let second = Node::start(settings(), &[vhost.uri()])?;
    second
        .down(&format!(
            "another process consumes queue {QUEUE}; give each rollcall its own amqp.node"
        ))
        .await?;
    let client = Client::connect(vhost.uri()).await?;
    for n in 0..50 {
        register(&client, &format!("phone{n}"), "192.0.2.1:5060").await?;
    }
    first.knows("phone49", "192.0.2.1:5060").await?;
    assert_eq!(first.list().len(), 50);
    assert!(second.list().is_empty());

    // And takes over when the first is gone.
    first.stop().await?;
    second.consuming().await?;
    second.stop().await?;
    Ok(())
}

#[tokio::test]
async fn nodes_of_different_names_each_see_everything() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let first = Node::up(vhost.uri()).await?;
    let mut other = settings();
    other.node = "rollcall@other".into();
    let second = Node::start(other, &[vhost.uri()])?;
    second.consuming().await?;
    let client = Client::connect(vhost.uri()).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    first.knows("bob", "192.0.2.1:5060").await?;
    second.knows("bob", "192.0.2.1:5060").await
}

#[tokio::test]
async fn kazoo_may_declare_the_exchange_before_or_after() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let before = Client::connect(vhost.uri()).await?;
    let node = Node::up(vhost.uri()).await?;
    register(&before, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await?;

    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let after = Client::connect(vhost.uri()).await?;
    register(&after, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await
}

#[tokio::test]
async fn a_queue_with_other_limits_is_consumed_as_it_is() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    Node::up(vhost.uri()).await?.stop().await?;
    let client = Client::connect(vhost.uri()).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    let mut changed = settings();
    changed.queue_expires = Duration::from_secs(77);
    let node = Node::start(changed, &[vhost.uri()])?;
    node.consuming().await?;
    node.knows("bob", "192.0.2.1:5060").await?;
    // It is bound, too.
    register(&client, "eve", "192.0.2.2:5060").await?;
    node.knows("eve", "192.0.2.2:5060").await
}
