//! The bus: the brokers of all zones.

use std::sync::Arc;

use futures_util::future::join_all;
use lapin::uri::AMQPUri;
use registrar::{Bus, BusFuture, Publication, PublishFailure, Receipt, Registrar};
use registration::Zone;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::{Link, Supervisor},
    settings::{Access, Settings, SettingsError, ZoneSettings},
};

/// The brokers of all zones.
pub struct AmqpBus {
    settings: Settings,
    queue: String,
    brokers: Vec<Broker>,
}

/// A zone's broker.
struct Broker {
    uris: Vec<AMQPUri>,
    access: Access,
    link: Arc<Link>,
}

impl AmqpBus {
    /// Checks the settings; connects to nothing yet.
    pub fn new(settings: Settings, zones: Vec<ZoneSettings>) -> Result<Arc<Self>, SettingsError> {
        let broker = |zone: ZoneSettings| {
            let uris = zone.parse_uris(settings.heartbeat)?;
            zone.check_files()?;
            Ok(Broker {
                uris,
                access: zone.access,
                link: Arc::new(Link::new(zone.zone)),
            })
        };
        Ok(Arc::new(Self {
            queue: settings.queue()?,
            brokers: zones.into_iter().map(broker).collect::<Result<_, _>>()?,
            settings,
        }))
    }

    /// One supervisor per zone, to be run until it ends, which is after `stop`. Deliveries go to
    /// `registrar`.
    pub fn supervisors(
        &self,
        registrar: &Arc<Registrar>,
        stop: &CancellationToken,
    ) -> Vec<impl Future<Output = ()> + Send + use<>> {
        let supervisor = |broker: &Broker| {
            let supervisor = Supervisor {
                uris: broker.uris.clone(),
                access: broker.access.clone(),
                queue: self.queue.clone(),
                settings: self.settings.clone(),
                link: Arc::clone(&broker.link),
                registrar: Arc::clone(registrar),
                stop: stop.clone(),
            };
            supervisor.run()
        };
        self.brokers.iter().map(supervisor).collect()
    }

    /// The number of messages in each zone's queue, if it is known.
    pub fn waiting(&self) -> Vec<(Zone, Option<u64>)> {
        self.links()
            .map(|link| (link.zone.clone(), link.waiting().map(u64::from)))
            .collect()
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        self.brokers.iter().map(|broker| &*broker.link)
    }
}

#[tracing::instrument(level = "debug", name = "publish", skip_all, fields(zone = %link.zone))]
async fn publish(link: &Link, publication: &Publication) -> Result<(), PublishFailure> {
    link.publisher()?.publish(publication).await
}

impl Bus for AmqpBus {
    fn leads(&self, zone: &Zone) -> bool {
        self.links()
            .any(|link| link.zone == *zone && link.is_notifier())
    }

    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        Box::pin(async move {
            let only = publication.zone.as_ref();
            let links = self
                .links()
                .filter(|link| only.is_none_or(|zone| *zone == link.zone));
            let published = join_all(
                links.map(async |link| (link.zone.clone(), publish(link, publication).await)),
            )
            .await;
            let mut receipt = Receipt::default();
            if let (Some(zone), []) = (only, published.as_slice()) {
                let failure = PublishFailure::UnknownZone;
                receipt.missing.push((zone.clone(), failure));
            }
            for (zone, result) in published {
                match result {
                    Ok(()) => receipt.confirmed.push(zone),
                    Err(failure) => receipt.missing.push((zone, failure)),
                }
            }
            receipt
        })
    }
}
