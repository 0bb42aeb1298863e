//! Wiring of the service: configuration to settings, settings to parts, parts to each other.

use std::{collections::HashMap, net::TcpListener, path::Path, sync::Arc, time::Duration};

use amqp::{AmqpBus, ZoneSettings};
use anyhow::Context as _;
use facade::{Certificate, Facade, ServerSettings, Summary, Throttle, ThrottleSettings};
use kapi::{Identity, Limits};
use registrar::{Accounts, Feed, Registrar, Settings};
use registration::{Clock, Policy, SystemClock, Zone};

use crate::{
    accounts, auth, config::Config, life::Life, snapshot, telemetry, upkeep::Upkeep, watched,
};

/// Changes that are kept for those who follow them and come back.
pub const FEED_LENGTH: usize = 10_000;
/// How often addresses that have gone quiet are forgotten.
const THROTTLE_PERIOD: Duration = Duration::from_mins(1);
/// How often the certificate's files are looked at.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(10);

/// Runs the service until it is told to stop.
pub async fn run(config: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load(config, environment())?;
    telemetry::init(&config.log)?;
    // Whichever part of the program speaks TLS first must find one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let auth = auth::auth(&config)?;
    let certificate = config.http.tls.clone();
    let certificate = certificate
        .map(|(chain, key)| Certificate::read(chain, key))
        .transpose()?;
    let realms = config
        .accounts
        .realms_file
        .as_deref()
        .map_or_else(|| Ok(HashMap::new()), accounts::read)?;
    let (bind, port) = (config.http.bind, config.http.port);
    let bus = AmqpBus::new(amqp_settings(&config), zones(&config))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (upkeep, mut watchers) = Upkeep::new(&config);
    let (feed, watcher) = Feed::new(FEED_LENGTH);
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
    let listener = TcpListener::bind((bind, port))
        .with_context(|| format!("cannot listen on {bind} port {port} (http.bind, http.port)"))?;
    let address = listener.local_addr().context("the socket has no address")?;

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
    let facade = Facade {
        registrar,
        auth,
        description: facade::description(),
        feed: Arc::clone(&feed),
        summary,
        throttle: Arc::clone(&throttle),
        clock,
        node: config.amqp.node.clone(),
        echo_token: config.auth.echo_token,
    };
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

fn zones(config: &Config) -> Vec<ZoneSettings> {
    let zone = |zone: &crate::config::Zone| ZoneSettings {
        zone: Zone::new(&zone.name),
        uris: zone.uris.clone(),
        access: zone.access.clone(),
    };
    config.zones.iter().map(zone).collect()
}

fn amqp_settings(config: &Config) -> amqp::Settings {
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

fn registrar_settings(config: &Config) -> anyhow::Result<Settings> {
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
