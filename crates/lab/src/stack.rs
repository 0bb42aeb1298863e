//! All parts together on one vhost: proxy, directory, rollcall.

use std::path::Path;

use crate::{
    directory::Directory,
    kamailio::{self, Kamailio},
    rollcall::Rollcall,
    subscribers::Subscriber,
};

/// A proxy, its directory, and a rollcall that listens to it.
pub struct Stack {
    /// The proxy.
    pub kamailio: Kamailio,
    /// rollcall.
    pub rollcall: Rollcall,
    /// The directory.
    pub directory: Directory,
}

impl Stack {
    /// Starts all of it against a broker; returns when every part listens.
    pub async fn start(
        program: &Path,
        amqp_uri: &str,
        subscribers: &[Subscriber],
        proxy: &kamailio::Options,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        // The directory first: it declares the exchanges that the proxy publishes to.
        let directory = Directory::start(amqp_uri, subscribers).await?;
        let kamailio = Kamailio::start(amqp_uri, proxy).await?;
        let rollcall = Rollcall::start(program, amqp_uri, settings).await?;
        Ok(Self {
            kamailio,
            rollcall,
            directory,
        })
    }
}
