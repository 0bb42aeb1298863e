//! Wiring of the service: configuration to settings, settings to parts, parts to each other.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use amqp::{AmqpBus, ZoneSettings};
use anyhow::Context as _;
use facade::{Certificate, Facade, ServerSettings, Summary, Throttle, ThrottleSettings};
use kapi::{Identity, Limits};
use registrar::{Accounts, Census, Feed, Registrar, Settings};
use registration::{AccountId, Clock, Policy, SystemClock, Zone};
use tokio::net::TcpSocket;

use crate::{
    accounts, admin, auth,
    config::Config,
    life::Life,
    metrics::{self, Sources},
    snapshot, telemetry,
    upkeep::Upkeep,
    watched,
};

/// Changes that are kept for those who follow them and come back.
pub const FEED_LENGTH: usize = 10_000;
/// How often refreshes are summed up.
pub const SUMMARY_PERIOD: Duration = Duration::from_secs(1);
/// How often addresses that have gone quiet are forgotten.
const THROTTLE_PERIOD: Duration = Duration::from_mins(1);
/// How often the certificate's files are looked at.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(10);

/// Connections that may wait to be accepted. With the 128 that the standard library asks for, a
/// thousand clients who come back at once overflow it, and whoever comes then waits for seconds:
/// the kernel drops the first packet, and it is sent again after 1, 3, 7 s.
const BACKLOG: u32 = 4096;

/// Runs the service until it is told to stop.
pub async fn run(config: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load(config, environment())?;
    // Whichever part of the program speaks TLS first must find one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let _traces = telemetry::init(&config.log)?;
    let auth = auth::auth(&config)?;
    let (certificate, realms) = (certificate(&config)?, realms(&config)?);
    let (bind, port) = (config.http.bind, config.http.port);
    let bus = AmqpBus::new(amqp_settings(&config), zones(&config))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (upkeep, mut watchers) = Upkeep::new(&config);
    let (feed, watcher) = Feed::new(FEED_LENGTH);
    watchers.push(watcher);
    let (census, watcher) = Census::new(zones(&config).into_iter().map(|zone| zone.zone));
    watchers.push(watcher);
    let (summary, watcher) = Summary::new(Arc::clone(&clock));
    watchers.push(watcher);
    let registrar = Arc::new(Registrar::watched(
        registrar_settings(&config)?,
        Accounts::new(realms),
        Arc::<AmqpBus>::clone(&bus),
        Arc::clone(&clock),
        watchers,
    ));
    let listener = listen((bind, port).into())
        .with_context(|| format!("cannot listen on {bind} port {port} (http.bind, http.port)"))?;
    let address = listener.local_addr().context("the socket has no address")?;
    let operators = Operators::listen(&config)?;

    let life = Life::default();
    upkeep.start(&life, &registrar, &config);
    for supervisor in bus.supervisors(&registrar, &life.stop())? {
        life.run("amqp", supervisor);
    }
    life.tend(&registrar);
    let counted = Arc::clone(&registrar);
    let throttle = Arc::new(Throttle::new(ThrottleSettings {
        requests: config.http.rate_limit,
        failures: config.auth.max_failures,
    }));
    let sweeping = Arc::clone(&throttle);
    life.every(THROTTLE_PERIOD, "throttle", move || sweeping.sweep());
    let (summing, summed) = (Arc::clone(&registrar), Arc::clone(&summary));
    life.every(SUMMARY_PERIOD, "summary", move || {
        summed.refreshed(&summing);
    });
    let metrics = metrics::metrics(Sources {
        registrar: Arc::clone(&registrar),
        census,
        bus: Some(bus),
        auth: auth.cache(),
        clock: Arc::clone(&clock),
        node: config.amqp.node.clone(),
    });
    let facade = Arc::new(Facade {
        registrar,
        auth,
        description: facade::description(),
        feed: Arc::clone(&feed),
        summary,
        throttle: Arc::clone(&throttle),
        clock,
        metrics,
        node: config.amqp.node.clone(),
        echo_token: config.auth.echo_token,
    });
    operators.serve(&life, &facade)?;
    if let Some(certificate) = &certificate {
        renew(&life, certificate);
    }
    life.before_drain(close(&feed));
    let server = facade::serve(facade, listener, &server_settings(&config, certificate))?;
    tracing::info!(%address, node = config.amqp.node, version = env!("CARGO_PKG_VERSION"), "listening");
    watched::started(&life);
    let ended = life.serve(server, config.shutdown.drain_timeout).await;
    if let (Some(file), Ok(())) = (&config.snapshot.file, &ended) {
        // When the last deliveries have been applied.
        snapshot::save(file, &counted);
    }
    log_counts(&counted);
    ended
}

/// Listens on an address. To be called within the runtime.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart need not wait for the connections of the process before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The certificate, if there is to be TLS.
fn certificate(config: &Config) -> anyhow::Result<Option<Arc<Certificate>>> {
    let files = config.http.tls.clone();
    let read = files.map(|(chain, key)| Certificate::read(chain, key));
    Ok(read.transpose()?)
}

fn realms(config: &Config) -> anyhow::Result<HashMap<AccountId, Vec<String>>> {
    let file = config.accounts.realms_file.as_deref();
    file.map_or_else(|| Ok(HashMap::new()), accounts::read)
}

/// What is served to operators beside the API.
struct Operators {
    metrics: Option<TcpListener>,
    socket: Option<(PathBuf, UnixListener)>,
}

impl Operators {
    /// Listens as configured.
    fn listen(config: &Config) -> anyhow::Result<Self> {
        let metrics = config.metrics.listen.map(|address| {
            TcpListener::bind(address)
                .with_context(|| format!("cannot listen on {address} (metrics.bind, metrics.port)"))
        });
        let socket = config.admin.socket.as_ref().map(|path| {
            let listener = admin::listen(path, config.admin.mode)?;
            anyhow::Ok((path.clone(), listener))
        });
        Ok(Self {
            metrics: metrics.transpose()?,
            socket: socket.transpose()?,
        })
    }

    /// Serves until the stop.
    fn serve(self, life: &Life, facade: &Arc<Facade>) -> anyhow::Result<()> {
        if let Some(listener) = self.metrics {
            let server = facade::serve_metrics(facade.metrics.clone(), listener)?;
            life.serve_beside("metrics", server, || {});
        }
        if let Some((path, listener)) = self.socket {
            let server = facade::serve_admin(Arc::clone(facade), listener)?;
            tracing::info!(socket = %path.display(), "listening for operators");
            life.serve_beside("admin", server, move || drop(std::fs::remove_file(&path)));
        }
        Ok(())
    }
}

/// Ends what would otherwise go on for as long as anyone follows.
pub fn close(feed: &Arc<Feed>) -> impl FnOnce() + Send + 'static {
    let feed = Arc::clone(feed);
    move || feed.close()
}

/// Reads the certificate's files again when they have changed.
fn renew(life: &Life, certificate: &Arc<Certificate>) {
    let certificate = Arc::clone(certificate);
    life.every(
        CERTIFICATE_PERIOD,
        "certificate",
        move || match certificate.renew() {
            Ok(false) => {}
            Ok(true) => tracing::info!("the certificate was renewed"),
            Err(error) => tracing::error!(%error, "the certificate stays as it was"),
        },
    );
}

/// What became of all deliveries, for whoever wonders after the end.
fn log_counts(registrar: &Registrar) {
    for (kind, reason, count) in registrar
        .stats()
        .snapshot()
        .filter(|(.., count)| *count > 0)
    {
        tracing::info!(kind, reason, count, "deliveries since the start");
    }
}

/// The environment as far as it is text; what is not cannot be a setting.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
}

pub(crate) fn zones(config: &Config) -> Vec<ZoneSettings> {
    let zone = |zone: &crate::config::Zone| ZoneSettings {
        zone: Zone::new(&zone.name),
        uris: zone.uris.clone(),
        access: zone.access.clone(),
    };
    config.zones.iter().map(zone).collect()
}

pub(crate) fn amqp_settings(config: &Config) -> amqp::Settings {
    let amqp = &config.amqp;
    amqp::Settings {
        node: amqp.node.clone(),
        prefetch: amqp.prefetch,
        heartbeat: amqp.heartbeat,
        connect_timeout: amqp.connect_timeout,
        publish_timeout: amqp.publish_timeout,
        reconnect_min: amqp.reconnect_min,
        reconnect_max: amqp.reconnect_max,
        queue_expires: amqp.queue_expires,
        queue_max_length: amqp.queue_max_length,
        answer_queries: amqp.answer_queries,
        elect_notifier: config.notices.told.any(),
    }
}

pub(crate) fn registrar_settings(config: &Config) -> anyhow::Result<Settings> {
    Ok(Settings {
        policy: Policy {
            expires_deviation: config.cache.expires_deviation,
            default_realm: config.cache.default_realm.as_str().into(),
        },
        limits: Limits {
            max_body_bytes: config.amqp.max_message_bytes,
        },
        max_clock_skew: config.cache.max_clock_skew,
        capacity: registrar::Capacity {
            registrations: config.cache.max_registrations,
            of_account: config.cache.max_account_registrations,
        },
        check_sync: config.notices.check_sync,
        ..Settings::new(Identity::new(&config.amqp.node).context("amqp.node cannot be used")?)
    })
}

fn server_settings(config: &Config, certificate: Option<Arc<Certificate>>) -> ServerSettings {
    ServerSettings {
        workers: config.http.workers,
        max_body_bytes: config.http.max_body_bytes,
        max_connections: config.http.max_connections,
        keep_alive: config.http.keep_alive,
        request_timeout: config.http.request_timeout,
        drain_timeout: config.shutdown.drain_timeout,
        certificate,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::{net::TcpStream, time::timeout};

    use super::*;

    #[tokio::test]
    async fn a_burst_of_connections_waits_without_being_dropped() {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = Vec::new();
        // Nobody accepts any.
        for number in 0..500 {
            let connected = timeout(Duration::from_secs(30), TcpStream::connect(address)).await;
            connections.push(
                connected
                    .unwrap_or_else(|_| panic!("{number}: dropped"))
                    .unwrap(),
            );
        }
    }
}
