//! Phones that change their proxy.

use anyhow::ensure;
use lab::{broker::vhost, phones::Phones, subscribers::generate, wait};

use crate::{
    cluster::Cluster,
    world::{PATIENCE, REALMS},
};

#[tokio::test]
async fn the_old_proxys_late_unregister_removes_nothing() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 2, generate(&REALMS[..1], 2)).await?;
    let settings = [("RECONCILE__INTERVAL", "5")];
    let rollcall = cluster.rollcall("rollcall@moves", &settings).await?;
    let client = lab::amqp::Client::connect(vhost.uri()).await?;
    let mut tap = client.tap("registrar", "registration.success.*.*").await?;
    let phone = &cluster.subscribers[..1];
    let phones = Phones::new()?;
    let path = |proxy: usize| format!("sip:127.0.0.1:{};transport=udp", cluster.port(proxy));
    let at = async |proxy: usize| {
        let wanted = path(proxy);
        wait::until("the phone to be at its proxy", PATIENCE, async || {
            let list = rollcall.list(&phone[0].account_id).await?;
            let one = list.first().map(|r| r["proxy_path"].clone());
            ensure!(
                list.len() == 1 && one == Some(wanted.as_str().into()),
                "{list:?}"
            );
            Ok(())
        })
        .await
    };
    phones.register(cluster.port(0), phone, 600).await?;
    at(0).await?;
    // The same address, so the same contact: only the proxy tells the two bindings apart.
    phones.register(cluster.port(1), phone, 600).await?;
    at(1).await?;
    phones.unregister(cluster.port(0), phone).await?;
    for status in ["Registered", "Registered", "Unregistered"] {
        let event = tap.next(PATIENCE).await?.json()?;
        ensure!(event["Status"] == status, "{event}");
    }
    // Another phone's event, heard after it, and a round of asking change nothing either.
    phones
        .register(cluster.port(1), &cluster.subscribers[1..], 600)
        .await?;
    ensure!(cluster.agrees(&rollcall).await? == 2);
    wait::until("a round", PATIENCE, async || {
        let (_, body) = rollcall.call("GET", "/readyz").await?;
        ensure!(body["reconciliation"]["realms"] == 1, "{body}");
        Ok(())
    })
    .await?;
    ensure!(cluster.agrees(&rollcall).await? == 2);
    Ok(())
}
