//! The whole program with nothing outside it: simulated proxies and phones around the same decode,
//! cache and facade as in production. Only the bus adapter is another.

mod bus;
mod phones;
mod proxy;

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use facade::{
    ServerSettings, ThrottleSettings,
    auth::{Auth, StaticTokens},
};
use registrar::{Accounts, Delivery, LinkState, RecoverySettings, Registrar, Settings};
use registration::{Policy, Zone};

use crate::{
    lifecycle::Lifecycle,
    serve::core::{Core, FacadeSettings},
};
use bus::LocalBus;
use phones::Fleet;

/// The demo's only token. It guards nothing: the demo listens on loopback and holds made-up phones.
const TOKEN: &str = "demo";
/// SHA-256 of [`TOKEN`].
const TOKEN_SHA256: &str = "2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea";
const ZONE: &str = "demo";
const NODE: &str = "rollcall@demo";

/// Runs the demo until it is told to stop.
pub async fn run(port: u16, phones: u32) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
        format!("cannot listen on 127.0.0.1:{port}; choose another with --port")
    })?;
    let port = listener
        .local_addr()
        .context("the socket has no address")?
        .port();
    let (bus, mut deliveries) = LocalBus::new();
    let zone = Zone::new(ZONE);
    let settings = Settings {
        policy: Policy {
            expires_deviation: 10,
            ..Policy::default()
        },
        zones: vec![zone.clone()],
        ..Settings::new(kapi::Identity::new(NODE)?)
    };
    let core = Core::new(
        settings,
        Accounts::new([].into()),
        Arc::<LocalBus>::clone(&bus),
        Vec::new(),
    );

    let lifecycle = Lifecycle::default();
    let consuming = Arc::clone(&core.registrar);
    lifecycle.run_until_stop("bus", async move {
        while let Some(body) = deliveries.recv().await {
            drop(consuming.deliver(Delivery::new(&zone, &body)));
        }
    });
    core.start(&lifecycle);
    warm(&lifecycle, &core.registrar);
    let fleet = Fleet::new(phones);
    print_how_to(&fleet, port);
    for proxy in proxy::proxies(&fleet, &bus, &core.clock) {
        lifecycle.run_until_stop("proxy", proxy.run());
    }
    let settings = FacadeSettings {
        node: NODE.into(),
        auth: Auth::Static(StaticTokens::parse(&tokens())?),
        echo_token: true,
        throttle: ThrottleSettings {
            requests: None,
            failures: 1000,
        },
    };
    let facade = core.facade(&lifecycle, settings, None);
    let server = ServerSettings {
        workers: 2,
        max_body_bytes: 65_536,
        max_connections: 1_000,
        keep_alive: Duration::from_secs(75),
        request_timeout: Duration::from_secs(10),
        drain_timeout: Duration::from_secs(2),
        certificate: None,
    };
    let serving = facade::serve(facade, listener, &server)?;
    lifecycle.serve(serving, server.drain_timeout).await
}

/// The file of tokens that the demo takes.
fn tokens() -> String {
    format!(
        "[[token]]\nname = \"demo\"\nsha256 = \"{TOKEN_SHA256}\"\naccounts = [\"*\"]\nwrite = true\n"
    )
}

#[expect(
    clippy::print_stdout,
    reason = "the demo talks to the person who started it"
)]
fn print_how_to(fleet: &Fleet, port: u16) {
    println!(
        "SIMULATION: no RabbitMQ, no Kamailio, no phone. {} made-up phones in these accounts:\n",
        fleet.phones.len()
    );
    for account in &fleet.accounts {
        let (id, realm) = (&account.id, &account.realm);
        println!("  {id}  {realm}  ({} phones)", fleet.of(account).count());
    }
    let Some(phone) = fleet.phones.first() else {
        return;
    };
    let (account, username) = (&phone.account.id, &phone.username);
    let url = format!("http://127.0.0.1:{port}/v2/accounts/{account}/registrations");
    let curl = format!("  curl -sH 'X-Auth-Token: {TOKEN}'");
    println!("\nIn a browser, with the token {TOKEN}: http://127.0.0.1:{port}/");
    println!("\nList, count, flush one, flush all:\n");
    println!("{curl} '{url}?pretty=true'");
    println!("{curl} {url}/count");
    println!("{curl} -X DELETE {url}/{username}");
    println!("{curl} -X DELETE {url}");
    let refresh = phones::REFRESH.as_secs();
    println!(
        "\nA flushed phone comes back at its next refresh, within {refresh} s. Ctrl-C ends.\n"
    );
}

/// Marks the cache as complete: there is no other node to ask.
fn warm(lifecycle: &Lifecycle, registrar: &Arc<Registrar>) {
    let recovering = Arc::clone(registrar);
    let settings = RecoverySettings {
        sync: false,
        peers: false,
        limit: Duration::ZERO,
    };
    lifecycle.run_until_stop(
        "recovery",
        async move { recovering.recover(settings).await },
    );
    registrar.link(&Zone::new(ZONE), LinkState::Consuming);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_hash_is_that_of_the_token() {
        let auth = Auth::Static(StaticTokens::parse(&tokens()).unwrap());
        assert!(auth.knows(Some(&facade::auth::Token::new(TOKEN))).await);
    }
}
