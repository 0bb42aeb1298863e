//! All zones together.

use std::sync::Arc;

use futures_util::future::join_all;
use registrar::{Bus, BusFuture, LinkState, Publication, Receipt, Registrar};
use registration::Zone;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    link::Link,
    settings::{Settings, SettingsError, ZoneSettings, read_uris},
    supervisor::Supervisor,
};

/// The brokers of all zones.
pub struct AmqpBus {
    settings: Settings,
    queue: String,
    zones: Vec<(ZoneSettings, Arc<Link>)>,
}

impl AmqpBus {
    /// Checks the settings; connects to nothing yet.
    pub fn new(settings: Settings, zones: Vec<ZoneSettings>) -> Result<Arc<Self>, SettingsError> {
        for zone in &zones {
            read_uris(zone, settings.heartbeat)?;
        }
        let link = |zone: ZoneSettings| (zone.clone(), Arc::new(Link::new(zone.zone)));
        Ok(Arc::new(Self {
            queue: settings.queue()?,
            settings,
            zones: zones.into_iter().map(link).collect(),
        }))
    }

    /// One supervisor per zone, each to be run until it ends, which is after `stop`. Deliveries go
    /// to `registrar`.
    pub fn supervisors(
        &self,
        registrar: &Arc<Registrar>,
        stop: &CancellationToken,
    ) -> Result<Vec<impl Future<Output = ()> + Send + use<>>, SettingsError> {
        let supervisor = |(zone, link): &(ZoneSettings, Arc<Link>)| {
            let supervisor = Supervisor {
                uris: read_uris(zone, self.settings.heartbeat)?,
                queue: self.queue.clone(),
                access: zone.access.clone(),
                settings: self.settings.clone(),
                link: Arc::clone(link),
                registrar: Arc::clone(registrar),
                stop: stop.clone(),
            };
            Ok(supervisor.run())
        };
        self.zones.iter().map(supervisor).collect()
    }

    /// Each zone with its connection's state, to be read or waited on.
    pub fn states(&self) -> Vec<(Zone, watch::Receiver<LinkState>)> {
        self.zones
            .iter()
            .map(|(zone, link)| (zone.zone.clone(), link.state()))
            .collect()
    }

    /// How many messages wait in each zone's queue, where that has been seen lately.
    pub fn waiting(&self) -> Vec<(Zone, Option<u64>)> {
        let links = self.zones.iter().map(|(_, link)| link);
        links
            .map(|link| (link.zone.clone(), link.waiting()))
            .collect()
    }

    #[tracing::instrument(level = "debug", name = "publish", skip_all, fields(zone = %link.zone))]
    async fn publish_in(&self, link: &Link, publication: &Publication) -> Result<(), String> {
        match link.publisher() {
            Some(publisher) => publisher
                .publish(publication, self.settings.publish_timeout)
                .await
                .map_err(|error| error.to_string()),
            None => Err(match &*link.state().borrow() {
                LinkState::Down { reason } => format!("not connected to RabbitMQ ({reason})"),
                _ => "not connected to RabbitMQ yet".into(),
            }),
        }
    }
}

impl Bus for AmqpBus {
    fn leads(&self, zone: &Zone) -> bool {
        let mut links = self.zones.iter().map(|(_, link)| link);
        links.any(|link| link.zone == *zone && link.leads())
    }

    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        Box::pin(async move {
            let wanted = |zone: &Zone| publication.zone.as_ref().is_none_or(|only| only == zone);
            let links = self.zones.iter().map(|(_, link)| link);
            let each = links
                .filter(|link| wanted(&link.zone))
                .map(|link| async move {
                    (link.zone.clone(), self.publish_in(link, publication).await)
                });
            let mut receipt = Receipt::default();
            if let Some(zone) = &publication.zone
                && !self.zones.iter().any(|(_, link)| link.zone == *zone)
            {
                let reason = "there is no such zone".to_owned();
                receipt.missing.push((zone.clone(), reason));
            }
            for (zone, result) in join_all(each).await {
                match result {
                    Ok(()) => receipt.confirmed.push(zone),
                    Err(reason) => receipt.missing.push((zone, reason)),
                }
            }
            receipt
        })
    }
}
