//! Several proxies, brokers and rollcalls, to be stopped and started one by one.

use std::{path::Path, time::Duration};

use lab::{
    directory::Directory,
    kamailio::{Binding, Kamailio, Options},
    rollcall::Rollcall,
    subscribers::{Subscriber, account_id},
    wait,
};

use crate::world::PROGRAM;

/// For a round of asking the proxies, whose databases are five seconds behind.
pub(crate) const ROUND: Duration = Duration::from_mins(1);

/// Proxies on one broker, with their directory.
pub(crate) struct Cluster {
    pub(crate) uri: String,
    pub(crate) proxies: Vec<Kamailio>,
    pub(crate) subscribers: Vec<Subscriber>,
    directory: Directory,
}

impl Cluster {
    /// As many proxies as asked for.
    pub(crate) async fn start(
        uri: &str,
        proxies: usize,
        subscribers: Vec<Subscriber>,
    ) -> anyhow::Result<Self> {
        let directory = Directory::start(uri, &subscribers).await?;
        let mut started = Vec::new();
        for number in 1..=proxies {
            let options = Options {
                hostname: format!("kam{number}.lab.local"),
                ..Options::default()
            };
            started.push(Kamailio::start(uri, &options).await?);
        }
        Ok(Self {
            uri: uri.to_owned(),
            proxies: started,
            subscribers,
            directory,
        })
    }

    /// The stand-in does not reconnect.
    pub(crate) async fn new_directory(&mut self) -> anyhow::Result<()> {
        self.directory = Directory::start(&self.uri, &self.subscribers).await?;
        Ok(())
    }

    pub(crate) fn port(&self, proxy: usize) -> u16 {
        self.proxies[proxy].sip_port()
    }

    /// A rollcall of this name; ready when this returns.
    pub(crate) async fn rollcall(
        &self,
        node: &str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Rollcall> {
        let mut all = vec![("AMQP__NODE", node), ("AMQP__RECONNECT_MAX", "1000")];
        all.extend(settings);
        let rollcall = Rollcall::start(Path::new(PROGRAM), &self.uri, &all).await?;
        rollcall.ready().await?;
        Ok(rollcall)
    }

    /// What all proxies hold, in order.
    pub(crate) async fn truth(&self) -> anyhow::Result<Vec<Binding>> {
        let mut truth = Vec::new();
        for proxy in &self.proxies {
            truth.extend(proxy.usrloc().await?);
        }
        truth.sort();
        Ok(truth)
    }

    /// What a rollcall shows of all accounts, in order.
    pub(crate) async fn shown(&self, rollcall: &Rollcall) -> anyhow::Result<Vec<Binding>> {
        let mut realms: Vec<_> = self.subscribers.iter().map(|s| &s.realm).collect();
        realms.dedup();
        let mut shown = Vec::new();
        for realm in realms {
            shown.extend(rollcall.bindings(&account_id(realm)).await?);
        }
        shown.sort();
        Ok(shown)
    }

    /// Waits until a rollcall shows exactly what the proxies hold; returns how many that is.
    pub(crate) async fn agrees(&self, rollcall: &Rollcall) -> anyhow::Result<usize> {
        wait::until("the table to equal usrloc", ROUND, async || {
            let (truth, shown) = (self.truth().await?, self.shown(rollcall).await?);
            let lacks: Vec<_> = truth.iter().filter(|b| !shown.contains(b)).take(3).collect();
            let beyond: Vec<_> = shown.iter().filter(|b| !truth.contains(b)).take(3).collect();
            anyhow::ensure!(
                truth == shown,
                "the proxies hold {}, shown are {}; among what lacks: {lacks:?}; beyond: {beyond:?}",
                truth.len(),
                shown.len()
            );
            Ok(truth.len())
        })
        .await
    }
}
