//! Real RabbitMQ, Kamailio, directory and phones around a rollcall process.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use lab::{
    broker::vhost,
    kamailio,
    management::Vhost,
    phones::Phones,
    stack::Stack,
    subscribers::{Subscriber, account_id, generate},
    wait,
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_rollcall");
pub(crate) const REALMS: [&str; 3] = ["red.example.com", "green.example.com", "blue.example.com"];
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) phones: Phones,
    pub(crate) subscribers: Vec<Subscriber>,
    pub(crate) vhost: Vhost,
}

/// 50 subscribers in three realms.
pub(crate) fn fifty() -> Vec<Subscriber> {
    let counts = [17, 17, 16];
    REALMS
        .iter()
        .zip(counts)
        .flat_map(|(realm, count)| generate(&[realm], count))
        .collect()
}

impl World {
    /// As in production.
    pub(crate) async fn start(subscribers: Vec<Subscriber>) -> anyhow::Result<Self> {
        Self::with(subscribers, kamailio::Options::default(), &[]).await
    }

    pub(crate) async fn with(
        subscribers: Vec<Subscriber>,
        proxy: kamailio::Options,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        Self::on(vhost().await?, subscribers, proxy, settings).await
    }

    /// On a vhost that there is already.
    pub(crate) async fn on(
        vhost: Vhost,
        subscribers: Vec<Subscriber>,
        proxy: kamailio::Options,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let stack = Stack::start(
            Path::new(PROGRAM),
            vhost.uri(),
            &subscribers,
            &proxy,
            settings,
        )
        .await?;
        Ok(Self {
            stack,
            phones: Phones::new()?,
            subscribers,
            vhost,
        })
    }

    pub(crate) fn proxy(&self) -> u16 {
        self.stack.kamailio.sip_port()
    }

    pub(crate) async fn register_all(&self, expires: u32) -> anyhow::Result<()> {
        self.phones
            .register(self.proxy(), &self.subscribers, expires)
            .await
    }

    /// What HTTP shows of all realms, in order.
    pub(crate) async fn http(&self) -> anyhow::Result<Vec<String>> {
        let mut aors = Vec::new();
        for realm in REALMS {
            aors.extend(self.stack.rollcall.aors(&account_id(realm)).await?);
        }
        aors.sort();
        Ok(aors)
    }

    /// What Kamailio holds, in order.
    pub(crate) async fn usrloc(&self) -> anyhow::Result<Vec<String>> {
        Ok(self
            .stack
            .kamailio
            .usrloc()
            .await?
            .into_iter()
            .map(|binding| binding.aor)
            .collect())
    }

    /// The AORs of subscribers that `which` picks, in order.
    pub(crate) fn aors(&self, which: impl Fn(&Subscriber) -> bool) -> Vec<String> {
        let picked = self
            .subscribers
            .iter()
            .filter(|subscriber| which(subscriber));
        let mut aors: Vec<_> = picked
            .map(|s| format!("{}@{}", s.username, s.realm))
            .collect();
        aors.sort();
        aors
    }

    /// Waits until both HTTP and Kamailio show exactly these.
    pub(crate) async fn both_show(&self, aors: &[String]) -> anyhow::Result<()> {
        let wanted = aors.to_vec();
        wait::until_eq("Kamailio", PATIENCE, &wanted, async || self.usrloc().await).await?;
        wait::until_eq("HTTP", PATIENCE, &wanted, async || self.http().await).await
    }

    /// Waits until Kamailio's database has them all: a flush finds nothing younger.
    pub(crate) async fn grown_up(&self, bindings: usize) -> anyhow::Result<()> {
        let database = async || self.stack.kamailio.database_len();
        wait::until_eq("Kamailio's database", PATIENCE, &bindings, database).await
    }

    pub(crate) async fn delete(&self, realm: &str, rest: &str) -> anyhow::Result<u16> {
        let path = format!("/v2/accounts/{}/registrations{rest}", account_id(realm));
        let (status, body) = self.stack.rollcall.call("DELETE", &path).await?;
        body.get("request_id").context("no envelope")?;
        Ok(status.as_u16())
    }
}
