//! What the rest of Kazoo is told, and asked.

use anyhow::{Context as _, ensure};
use lab::{
    amqp::{Client, Tap},
    broker::vhost,
    phones::Phones,
    rollcall::Rollcall,
    subscribers::generate,
    wait,
};
use registration::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, ROUND},
    world::{PATIENCE, REALMS},
};

const ALL: [(&str, &str); 3] = [
    ("NOTICES__REGISTER", "true"),
    ("NOTICES__DEREGISTER", "true"),
    ("NOTICES__OVERWRITE", "true"),
];

async fn told(notices: &mut Tap, name: &str) -> anyhow::Result<Value> {
    let notice = notices.next(PATIENCE).await?.json()?;
    ensure!(notice["Event-Name"] == name, "{name}: {notice}");
    Ok(notice)
}

fn leads(rollcall: &Rollcall) -> bool {
    rollcall.log().contains("leads=true")
}

#[tokio::test]
async fn one_of_two_nodes_tells_and_the_other_takes_over() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS[..1], 3)).await?;
    let one = cluster.rollcall("rollcall@one", &ALL).await?;
    let two = cluster.rollcall("rollcall@two", &ALL).await?;
    ensure!(leads(&one) && !leads(&two));
    let client = Client::connect(vhost.uri()).await?;
    let mut notices = client.tap("notifications", "notifications.sip.#").await?;
    let mut overwrites = client.tap("presence", "register_overwrites.*").await?;

    let phone = &cluster.subscribers[..1];
    let phones = Phones::new()?;
    phones.register(cluster.port(0), phone, 600).await?;
    let notice = told(&mut notices, "register").await?;
    ensure!(
        notice["Username"] == "user001" && notice["Account-ID"] == phone[0].account_id.as_str(),
        "{notice}"
    );
    // A refresh is no news; another phone on the AOR is, and so is its end.
    phones.register(cluster.port(0), phone, 700).await?;
    let other = Phones::new()?;
    other.register(cluster.port(0), phone, 600).await?;
    let overwrite = told(&mut overwrites, "register_overwrite").await?;
    ensure!(
        overwrite["Contact"]
            .to_string()
            .contains(&other.port().to_string()),
        "{overwrite}"
    );
    ensure!(
        overwrite["Previous-Contact"]
            .to_string()
            .contains(&phones.port().to_string()),
        "{overwrite}"
    );
    told(&mut notices, "register").await?;
    other.unregister(cluster.port(0), phone).await?;
    told(&mut notices, "deregister").await?;

    drop(one);
    wait::until("the other to take over", ROUND, async || {
        ensure!(leads(&two), "it does not");
        Ok(())
    })
    .await?;
    phones
        .register(cluster.port(0), &cluster.subscribers[1..2], 600)
        .await?;
    let notice = told(&mut notices, "register").await?;
    ensure!(notice["Username"] == "user002", "{notice}");
    ensure!(notice["Node"] == "rollcall@two", "{notice}");
    Ok(())
}

#[tokio::test]
async fn the_directory_says_whose_phone_it_is() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 0, generate(&REALMS[..1], 1)).await?;
    let rollcall = cluster.rollcall("rollcall@directory", &[]).await?;
    let phone = &cluster.subscribers[0];
    let now = SystemClock.now().seconds().0;
    let event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Status": "Registered", "Expires": 600,
        "Event-Timestamp": now, "First-Registration": true, "Contact": "<sip:user001@192.0.2.1>",
        "Username": phone.username, "Realm": phone.realm, "Custom-Channel-Vars": "{}",
    });
    let client = Client::connect(vhost.uri()).await?;
    client
        .publish(
            "registrar",
            "registration.success.a.b",
            event.to_string().as_bytes(),
        )
        .await?;
    wait::until("the account to be known", PATIENCE, async || {
        let list = rollcall.list(&phone.account_id).await?;
        let one = list.first().context("no registration")?;
        ensure!(one["authorizing_id"] == phone.device_id.as_str(), "{one}");
        Ok(())
    })
    .await?;
    // The directory's answer holds the phone's password.
    ensure!(!rollcall.log().contains(&phone.password));
    Ok(())
}
