//! Whatever ends the connection, it comes back by itself.

use std::time::Duration;

use kapi::{REGISTRAR_EXCHANGE, flush_key};
use lab::{
    amqp::Client,
    broker::{self, Broker},
    secrets::BROKER_PASSWORD,
};
use registrar::{FlushError, PublishFailure};

use crate::node::{Node, QUEUE, REALM, TIMEOUT, account, register, settings};

#[tokio::test]
async fn a_broker_that_is_killed_is_found_again() -> anyhow::Result<()> {
    let mut broker = Broker::start().await?;
    let uri = broker.vhost("/").uri().to_owned();
    let node = Node::up(&uri).await?;
    let client = Client::connect(&uri).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await?;

    broker.kill();
    node.down("").await?;
    let receipt = node.publish(REGISTRAR_EXCHANGE, flush_key(REALM)).await;
    let [(_, PublishFailure::Down(_))] = &receipt.missing[..] else {
        panic!("{receipt:?}");
    };
    let scope = node.registrar.scope(&account(), None).unwrap();
    let error = node
        .registrar
        .flusher()
        .flush_account(&scope)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FlushError::Unreachable { forgotten: 0, .. }),
        "{error}"
    );
    assert_eq!(node.list().len(), 1);

    broker.restart().await?;
    node.consuming().await?;
    let client = Client::connect(&uri).await?;
    register(&client, "bob", "192.0.2.9:5060").await?;
    node.knows("bob", "192.0.2.9:5060").await?;
    let receipt = node.publish(REGISTRAR_EXCHANGE, flush_key(REALM)).await;
    assert_eq!(receipt.confirmed.len(), 1, "{receipt:?}");
    Ok(())
}

#[tokio::test]
async fn a_deleted_queue_is_declared_anew() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    let client = Client::connect(vhost.uri()).await?;
    vhost.delete_queue(QUEUE).await?;
    node.consuming_again(1).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await
}

#[tokio::test]
async fn a_connection_that_is_closed_for_us_is_made_anew() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    lab::wait::until("the API to list the connection", TIMEOUT, async || {
        anyhow::ensure!(vhost.close_connections().await? > 0, "none listed");
        Ok(())
    })
    .await?;
    node.consuming_again(1).await?;
    let client = Client::connect(vhost.uri()).await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await
}

#[tokio::test]
async fn the_next_broker_is_tried() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let nobody = format!("amqp://127.0.0.1:{}", lab::ports::free_tcp()?);
    let wrong = vhost.uri().replace(BROKER_PASSWORD, "hunter2");
    let node = Node::start(settings(), &[&nobody, &wrong, vhost.uri()])?;
    node.consuming().await
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let wrong = vhost.uri().replace(BROKER_PASSWORD, "hunter2");
    let node = Node::start(settings(), &[&wrong])?;
    node.down("ACCESS_REFUSED").await?;
    let receipt = node.publish(REGISTRAR_EXCHANGE, flush_key(REALM)).await;
    assert!(!format!("{receipt:?} {:?}", node.health()).contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn an_amqps_uri_on_a_plain_port_is_an_error() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let mut settings = settings();
    settings.connect_timeout = Duration::from_secs(2);
    let node = Node::start(settings, &[&vhost.uri().replace("amqp://", "amqps://")])?;
    node.down("").await
}

#[tokio::test]
async fn an_exchange_that_was_declared_anew_is_noticed() -> anyhow::Result<()> {
    let vhost = broker::vhost().await?;
    let node = Node::up(vhost.uri()).await?;
    vhost.delete_exchange(REGISTRAR_EXCHANGE).await?;
    // Declares it as it was. Queue and consumer are as before, but nothing is bound any more.
    let client = Client::connect(vhost.uri()).await?;
    node.down("bindings are gone").await?;
    node.consuming().await?;
    register(&client, "bob", "192.0.2.1:5060").await?;
    node.knows("bob", "192.0.2.1:5060").await
}
