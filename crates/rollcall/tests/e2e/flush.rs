//! What is deleted over HTTP, the proxy forgets too, and nothing else.

use anyhow::ensure;

use crate::world::{REALMS, World, fifty};

#[tokio::test]
async fn one_then_all_of_a_realm_and_no_other() -> anyhow::Result<()> {
    let world = World::start(fifty()).await?;
    world.register_all(600).await?;
    world.both_show(&world.aors(|_| true)).await?;
    world.grown_up(50).await?;

    ensure!(world.delete(REALMS[0], "/USER003").await? == 200);
    let one_less = world.aors(|s| s.realm != REALMS[0] || s.username != "user003");
    ensure!(
        world.http().await? == one_less,
        "gone from HTTP with the answer"
    );
    world.both_show(&one_less).await?;

    ensure!(world.delete(REALMS[0], "").await? == 200);
    let others = world.aors(|s| s.realm != REALMS[0]);
    ensure!(
        world.http().await? == others,
        "gone from HTTP with the answer"
    );
    world.both_show(&others).await?;

    // The proxy forgot their credentials too; they come back with a fresh digest.
    world.register_all(600).await?;
    world.both_show(&world.aors(|_| true)).await
}

/// The proxy does not find what it has not written yet: the flush comes again.
#[tokio::test]
async fn a_phone_flushed_within_the_second_of_its_register_is_gone_soon() -> anyhow::Result<()> {
    let world = World::start(lab::subscribers::generate(&REALMS[..1], 2)).await?;
    world.stack.rollcall.ready().await?;
    let all = world.aors(|_| true);
    world.register_all(600).await?;
    lab::wait::until_eq("HTTP", crate::world::PATIENCE, &all, async || {
        world.http().await
    })
    .await?;
    let begun = std::time::Instant::now();
    ensure!(world.delete(REALMS[0], "/user001").await? == 200);
    lab::wait::until_eq(
        "the proxy",
        crate::world::PATIENCE,
        &all[1..].to_vec(),
        async || world.usrloc().await,
    )
    .await?;
    ensure!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    ensure!(world.http().await? == all[1..]);
    Ok(())
}

/// The proxy pastes names into SQL. First that it does, then that no request of ours gets there.
#[tokio::test]
async fn no_name_reaches_the_proxys_sql() -> anyhow::Result<()> {
    let world = World::start(fifty()).await?;
    world.register_all(600).await?;
    world.both_show(&world.aors(|_| true)).await?;
    world.grown_up(50).await?;

    let client = lab::amqp::Client::connect(world.vhost.uri()).await?;
    let mut flushes = client.tap("registrar", "registration.flush.*").await?;
    for name in [
        "x'%20or%20'a'='a",
        "o'x",
        "a%22b",
        "a%5Cb",
        "a;b",
        "a%25",
        "a%00",
    ] {
        for query in ["", "?force=true"] {
            ensure!(
                world.delete(REALMS[0], &format!("/{name}{query}")).await? == 400,
                "{name}"
            );
        }
    }
    // A flush that is allowed, so that waiting for it proves that none came before.
    ensure!(world.delete(REALMS[0], "/user001").await? == 200);
    let first = flushes.next(crate::world::PATIENCE).await?.json()?;
    ensure!(first["Username"] == "user001", "{first}");
    world
        .both_show(&world.aors(|s| s.realm != REALMS[0] || s.username != "user001"))
        .await?;

    let attack = r#"{"Event-Category":"directory","Event-Name":"reg_flush","Realm":"red.example.com","Username":"x' or 'a'='a"}"#;
    client
        .publish(
            "registrar",
            "registration.flush.red%2Eexample%2Ecom",
            attack.as_bytes(),
        )
        .await?;
    let empty: Vec<String> = Vec::new();
    lab::wait::until_eq(
        "the attack to work",
        crate::world::PATIENCE,
        &empty,
        async || world.usrloc().await,
    )
    .await
}
