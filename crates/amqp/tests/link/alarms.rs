//! A broker that is short of memory takes no messages, acknowledgements included.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::ensure;
use kapi::{REGISTRAR_EXCHANGE, flush_key};
use lab::broker::Broker;
use registrar::PublishFailure;

use crate::node::{Node, REALM, settings};

/// Starts it anew with another memory limit.
async fn restart_with(broker: &mut Broker, limit: &str) -> anyhow::Result<()> {
    broker.kill();
    let path = broker.home().join("rabbitmq.conf");
    let key = "vm_memory_high_watermark";
    let config = fs::read_to_string(&path)?;
    let kept = config.lines().filter(|line| !line.starts_with(key));
    let wanted = format!("{key}.absolute = {limit}\n");
    let lines: Vec<_> = kept.chain([&*wanted]).collect();
    fs::write(&path, lines.join("\n"))?;
    broker.restart().await
}

#[tokio::test]
async fn a_memory_alarm_is_told_and_holds_nothing_up() -> anyhow::Result<()> {
    let mut broker = Broker::start().await?;
    restart_with(&mut broker, "1MB").await?;
    let mut quick = settings();
    quick.publish_timeout = Duration::from_millis(700);
    let node = Node::start(quick, &[broker.vhost("/").uri()])?;
    node.consuming().await?;
    let missing = async || {
        let receipt = node.publish(REGISTRAR_EXCHANGE, flush_key(REALM)).await;
        receipt.missing.into_iter().next().map(|(_, reason)| reason)
    };
    // The broker says so only to those who publish.
    let first = missing().await.unwrap();
    assert_eq!(
        first,
        PublishFailure::Unconfirmed(Duration::from_millis(700))
    );
    let second = missing().await.unwrap();
    assert_eq!(second, PublishFailure::Blocked);

    restart_with(&mut broker, "2GB").await?;
    lab::wait::until("publishing again", Duration::from_secs(30), async || {
        let missing = missing().await;
        ensure!(missing.is_none(), "{missing:?}");
        Ok(())
    })
    .await?;

    restart_with(&mut broker, "1MB").await?;
    lab::wait::until("the alarm again", Duration::from_secs(30), async || {
        let missing = missing().await;
        ensure!(missing == Some(PublishFailure::Blocked), "{missing:?}");
        Ok(())
    })
    .await?;
    let asked = Instant::now();
    node.stop().await?;
    assert!(asked.elapsed() < Duration::from_secs(5), "{asked:?}");
    Ok(())
}
