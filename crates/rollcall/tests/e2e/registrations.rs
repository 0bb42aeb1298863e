//! What phones do at the proxy is what HTTP shows.

use std::time::{Duration, Instant};

use anyhow::ensure;
use lab::{
    kamailio,
    phones::Phones,
    subscribers::{account_id, generate},
    wait,
};

use crate::world::{PATIENCE, REALMS, World, fifty};

#[tokio::test]
async fn fifty_phones_in_three_realms_come_and_go() -> anyhow::Result<()> {
    let world = World::start(fifty()).await?;
    world.register_all(600).await?;
    world.both_show(&world.aors(|_| true)).await?;

    // User by user, contact by contact.
    for binding in world.stack.kamailio.usrloc().await? {
        let (username, realm) = binding.aor.split_once('@').unwrap();
        let (_, list) = world.stack.rollcall.call("GET", &path(realm, "")).await?;
        let shown = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["username"] == username)
            .unwrap();
        ensure!(
            shown["contact"] == binding.contact.as_str(),
            "{shown} is not {binding:?}"
        );
        ensure!(shown["contact_ip"] == "127.0.0.1" && shown["contact_port"] == world.phones.port());
        ensure!(shown["expires"] == 780 && shown["realm"] == realm);
    }
    for (realm, count) in REALMS.iter().zip([17, 17, 16]) {
        let (_, answer) = world
            .stack
            .rollcall
            .call("GET", &path(realm, "/count"))
            .await?;
        ensure!(answer["data"]["count"] == count, "{answer}");
    }

    // Expires 0: gone at once, and no other phone.
    let red: Vec<_> = world
        .subscribers
        .iter()
        .filter(|s| s.realm == REALMS[0])
        .cloned()
        .collect();
    world.phones.unregister(world.proxy(), &red[..5]).await?;
    let gone: Vec<_> = red[..5].to_vec();
    world.both_show(&world.aors(|s| !gone.contains(s))).await
}

fn path(realm: &str, rest: &str) -> String {
    format!("/v2/accounts/{}/registrations{rest}", account_id(realm))
}

#[tokio::test]
async fn a_refresh_from_elsewhere_moves_the_phone_and_a_question_changes_nothing()
-> anyhow::Result<()> {
    let world = World::start(generate(&REALMS[..1], 1)).await?;
    world.register_all(600).await?;
    world.both_show(&world.aors(|_| true)).await?;
    world
        .phones
        .query(world.proxy(), &world.subscribers)
        .await?;
    let elsewhere = Phones::new()?;
    elsewhere
        .register(world.proxy(), &world.subscribers, 600)
        .await?;
    wait::until("the phone to move", PATIENCE, async || {
        let (_, list) = world
            .stack
            .rollcall
            .call("GET", &path(REALMS[0], ""))
            .await?;
        let shown = &list["data"][0];
        ensure!(shown["contact_port"] == elsewhere.port(), "{shown}");
        ensure!(
            shown["previous_contact"]
                .as_str()
                .unwrap()
                .ends_with(&world.phones.port().to_string())
        );
        ensure!(list["page_size"] == 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_phone_that_stops_refreshing_is_gone_when_its_time_is_up_and_not_before()
-> anyhow::Result<()> {
    let proxy = kamailio::Options {
        min_expires: 1,
        ..kamailio::Options::default()
    };
    let settings = [("CACHE__EXPIRES_DEVIATION", "2")];
    let world = World::with(generate(&REALMS[..1], 2), proxy, &settings).await?;
    let begun = Instant::now();
    world.register_all(4).await?;
    let registered = Instant::now();
    let all = world.aors(|_| true);
    wait::until_eq("HTTP", PATIENCE, &all, async || world.http().await).await?;
    let mut last_seen = Instant::now();
    while !world.http().await?.is_empty() {
        last_seen = Instant::now();
        ensure!(registered.elapsed() < PATIENCE, "never gone");
    }
    // 4 s and 2 s of padding, from the second in which the event was made.
    ensure!(
        last_seen - begun > Duration::from_secs(5),
        "gone after {:?}",
        last_seen - begun
    );
    ensure!(
        last_seen - registered < Duration::from_secs(7),
        "there for {:?}",
        last_seen - registered
    );
    Ok(())
}
