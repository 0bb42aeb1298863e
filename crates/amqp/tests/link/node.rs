//! A registrar on a broker, and what is sent to it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use amqp::{Access, AmqpBus, Settings, ZoneSettings};
use anyhow::{Context as _, ensure};
use kapi::{Identity, Limits, REGISTRAR_EXCHANGE, success_key};
use registrar::{Accounts, LinkState, Publication, Receipt, Registrar, ZoneHealth};
use registration::{AccountId, Clock, ManualClock, Registration, UnixMillis, Zone};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
const ZONE: &str = "local";
pub(crate) const NODE: &str = "rollcall@test";
pub(crate) const QUEUE: &str = "rollcall-registrar-rollcall@test";
pub(crate) const ACCOUNT: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
pub(crate) const REALM: &str = "sip.example.com";
pub(crate) const NOW: u64 = 1_795_425_490;
pub(crate) const MAX_BODY: usize = 65_536;

pub(crate) fn settings() -> Settings {
    // Every test comes by here.
    lab::secrets::write_down();
    Settings {
        node: NODE.into(),
        prefetch: 100,
        heartbeat: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(10),
        publish_timeout: Duration::from_secs(5),
        reconnect_min: Duration::from_millis(20),
        reconnect_max: Duration::from_millis(500),
        queue_expires: Duration::from_mins(5),
        queue_max_length: 100_000,
        answer_queries: true,
        elect_notifier: false,
    }
}

/// One zone's registrar with its supervisor.
pub(crate) struct Node {
    pub(crate) bus: Arc<AmqpBus>,
    pub(crate) registrar: Arc<Registrar>,
    stop: CancellationToken,
    supervisor: JoinHandle<()>,
}

impl Node {
    pub(crate) fn start(settings: Settings, uris: &[&str]) -> anyhow::Result<Self> {
        let clock = ManualClock::at(UnixMillis(NOW * 1_000));
        Self::start_with_clock(settings, uris, Arc::new(clock))
    }

    pub(crate) fn start_with_clock(
        settings: Settings,
        uris: &[&str],
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        Self::start_zone(settings, uris, Access::default(), clock)
    }

    /// With what else it takes to be let in.
    pub(crate) fn with(settings: Settings, uri: &str, access: Access) -> anyhow::Result<Self> {
        let clock = ManualClock::at(UnixMillis(NOW * 1_000));
        Self::start_zone(settings, &[uri], access, Arc::new(clock))
    }

    fn start_zone(
        settings: Settings,
        uris: &[&str],
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let identity = Identity::new(&settings.node)?;
        let zone = ZoneSettings {
            zone: Zone::new(ZONE),
            uris: uris.iter().map(|uri| (*uri).into()).collect(),
            access,
        };
        let bus = AmqpBus::new(settings, vec![zone])?;
        let settings = registrar::Settings {
            limits: Limits {
                max_body_bytes: MAX_BODY,
            },
            ..registrar::Settings::new(identity)
        };
        let registrar = Arc::new(Registrar::new(
            settings,
            Accounts::new(HashMap::from([(account(), vec![REALM.into()])])),
            Arc::<AmqpBus>::clone(&bus),
            clock,
            Vec::new(),
        ));
        let stop = CancellationToken::new();
        let supervisor = bus.supervisors(&registrar, &stop).remove(0);
        Ok(Self {
            bus,
            registrar,
            stop,
            supervisor: tokio::spawn(supervisor),
        })
    }

    /// A node with the usual settings that consumes already.
    pub(crate) async fn up(uri: &str) -> anyhow::Result<Self> {
        let node = Self::start(settings(), &[uri])?;
        node.consuming().await?;
        Ok(node)
    }

    /// The state of its zone, once the supervisor runs.
    pub(crate) fn health(&self) -> Option<ZoneHealth> {
        self.registrar.health().zones().get(ZONE).cloned()
    }

    pub(crate) async fn consuming(&self) -> anyhow::Result<()> {
        self.reaches(|health| health.link == LinkState::Consuming)
            .await
    }

    /// Waits until it is down for a reason that says `what`.
    pub(crate) async fn down(&self, what: &str) -> anyhow::Result<()> {
        self.reaches(
            |health| matches!(&health.link, LinkState::Down { reason } if reason.contains(what)),
        )
        .await
    }

    /// Waits until it consumes once more than these times.
    pub(crate) async fn consuming_again(&self, links: u64) -> anyhow::Result<()> {
        self.reaches(|health| health.links() > links).await
    }

    async fn reaches(&self, wanted: impl Fn(&ZoneHealth) -> bool) -> anyhow::Result<()> {
        // Often: a state may last for some milliseconds only.
        let often = Duration::from_millis(1);
        let reaching = async {
            while !self.health().is_some_and(|health| wanted(&health)) {
                tokio::time::sleep(often).await;
            }
        };
        let reached = tokio::time::timeout(TIMEOUT, reaching).await;
        reached.with_context(|| format!("still {:?}", self.health()))
    }

    pub(crate) async fn counts(&self, kind: &str, reason: &str, n: u64) -> anyhow::Result<()> {
        lab::wait::until(&format!("{kind}/{reason}"), TIMEOUT, async || {
            let got = self.registrar.metrics().of(kind, reason);
            ensure!(got == n, "got {got}, want {n}");
            Ok(())
        })
        .await
    }

    pub(crate) fn list(&self) -> Vec<Arc<Registration>> {
        let scope = self.registrar.scope(&account(), None).unwrap();
        let list = self.registrar.list(&scope);
        list.iter()
            .map(|held| Arc::new(held.registration()))
            .collect()
    }

    /// Waits until this username is registered with this contact.
    pub(crate) async fn knows(&self, username: &str, contact: &str) -> anyhow::Result<()> {
        lab::wait::until(&format!("{username} to be known"), TIMEOUT, async || {
            let list = self.list();
            let known = list.iter().find(|r| &*r.username == username);
            let known = known.context("not registered")?;
            ensure!(known.contact.contains(contact), "has {}", known.contact);
            Ok(())
        })
        .await
    }

    /// Publishes by way of the bus alone.
    pub(crate) async fn publish(&self, exchange: &'static str, routing_key: String) -> Receipt {
        let publication = Publication {
            zone: None,
            exchange,
            routing_key,
            body: b"{}".to_vec(),
            mandatory: true,
        };
        registrar::Bus::publish(&*self.bus, &publication).await
    }

    pub(crate) async fn stop(self) -> anyhow::Result<Arc<Registrar>> {
        self.stop.cancel();
        let ended = tokio::time::timeout(TIMEOUT, self.supervisor).await;
        ended.context("the supervisor has not ended")??;
        Ok(self.registrar)
    }
}

pub(crate) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

/// A registration event as Kazoo's Kamailio sends it.
pub(crate) fn event(username: &str, contact: &str) -> Value {
    json!({
        "Event-Category": "directory", "Event-Name": "reg_success",
        "Status": "Registered", "Event-Timestamp": NOW, "Expires": 600,
        "First-Registration": true, "Contact": format!("<sip:{username}@{contact}>"),
        "Call-ID": "life-1@lab", "Realm": REALM, "Username": username,
        "Custom-Channel-Vars": {"Account-ID": ACCOUNT, "Account-Realm": REALM},
        "App-Name": "kamailio", "App-Version": "5.6.3", "Node": "kamailio@kam1.lab.local",
    })
}

/// Sends an event.
pub(crate) async fn register(
    client: &lab::amqp::Client,
    username: &str,
    contact: &str,
) -> anyhow::Result<()> {
    let body = event(username, contact).to_string();
    send(client, username, body.as_bytes()).await
}

/// Sends any body the way an event goes.
pub(crate) async fn send(
    client: &lab::amqp::Client,
    username: &str,
    body: &[u8],
) -> anyhow::Result<()> {
    let key = success_key(REALM, username);
    client.publish(REGISTRAR_EXCHANGE, &key, body).await
}
