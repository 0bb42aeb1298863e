//! Wiring of the service: configuration to settings, settings to parts, parts to each other.

pub(crate) mod auth;
pub(crate) mod core;
mod operators;
pub(crate) mod realms;
pub mod snapshot;
mod socket;
mod upkeep;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use amqp::AmqpBus;
use anyhow::Context as _;
use facade::{Certificate, ServerSettings, ThrottleSettings};
use kapi::Identity;
use registrar::{Accounts, Registrar, Settings};
use tokio::net::TcpSocket;

use self::{
    core::{Core, FacadeSettings},
    operators::Operators,
    upkeep::Upkeep,
};
use crate::{
    config::{Config, environment},
    lifecycle::{Lifecycle, systemd},
    telemetry,
};

pub use self::core::FEED_LENGTH;

/// How often the certificate's files are looked at.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(10);

/// Connections that may wait to be accepted. With the 128 that the standard library asks for, a
/// thousand clients that come back at once overflow it, and later ones wait for seconds: the kernel
/// drops their first packet, and they send it again after 1, 3, 7 s.
const BACKLOG: u32 = 4096;

/// Runs the service until it is told to stop.
pub async fn run(config: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load(config, environment())?;
    install_crypto();
    let _traces = telemetry::init(&config.log)?;
    let auth = auth::auth(&config)?;
    let certificate = certificate(&config)?;
    let accounts = Accounts::new(realms::of(&config.accounts)?);
    let bus = AmqpBus::new(config.amqp.settings.clone(), config.zones.clone())?;
    let (upkeep, listeners) = Upkeep::new(&config);
    let core = Core::new(
        registrar_settings(&config)?,
        accounts,
        Arc::<AmqpBus>::clone(&bus),
        listeners,
    );
    let registrar = Arc::clone(&core.registrar);
    let (bind, port) = (config.http.bind, config.http.port);
    let listener = listen((bind, port).into())
        .with_context(|| format!("cannot listen on {bind} port {port} (http.bind, http.port)"))?;
    let address = listener.local_addr().context("the socket has no address")?;
    let operators = Operators::listen(&config)?;

    let lifecycle = Lifecycle::default();
    upkeep.start(&lifecycle, &registrar, &config);
    for supervisor in bus.supervisors(&registrar, &lifecycle.stop()) {
        lifecycle.run("amqp", supervisor);
    }
    core.start(&lifecycle);
    let settings = FacadeSettings {
        node: config.amqp.settings.node.clone(),
        auth,
        echo_token: config.auth.echo_token,
        throttle: ThrottleSettings {
            requests: config.http.rate_limit,
            failures: config.auth.max_failures,
        },
    };
    let facade = core.facade(&lifecycle, settings, Some(bus));
    operators.serve(&lifecycle, &facade)?;
    if let Some(certificate) = &certificate {
        renew(&lifecycle, certificate);
    }
    let server = ServerSettings {
        certificate,
        ..config.http.server
    };
    let drain_timeout = server.drain_timeout;
    let server = facade::serve(facade, listener, &server)?;
    tracing::info!(%address, node = config.amqp.settings.node, version = env!("CARGO_PKG_VERSION"), "listening");
    systemd::started(&lifecycle);
    let ended = lifecycle.serve(server, drain_timeout).await;
    if let (Some(file), Ok(())) = (&config.snapshot.file, &ended) {
        // When the last deliveries have been applied.
        snapshot::save(file, &registrar);
    }
    log_counts(&registrar);
    ended
}

/// Installs the crypto provider, which every part of the program that speaks TLS needs.
pub(crate) fn install_crypto() {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
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
pub(crate) fn certificate(config: &Config) -> anyhow::Result<Option<Arc<Certificate>>> {
    let files = config.http.tls.clone();
    let read = files.map(|(chain, key)| Certificate::read(chain, key));
    Ok(read.transpose()?)
}

/// Reads the certificate's files again when they have changed.
fn renew(lifecycle: &Lifecycle, certificate: &Arc<Certificate>) {
    let certificate = Arc::clone(certificate);
    lifecycle.every(
        CERTIFICATE_PERIOD,
        "certificate",
        move || match certificate.renew() {
            Ok(false) => {}
            Ok(true) => tracing::info!("the certificate was renewed"),
            Err(error) => tracing::error!(%error, "the certificate stays as it was"),
        },
    );
}

/// Logs what became of all deliveries.
fn log_counts(registrar: &Registrar) {
    let counts = registrar.metrics().counts();
    for (kind, reason, count) in counts.filter(|(.., count)| *count > 0) {
        tracing::info!(kind, reason, count, "deliveries since the start");
    }
}

/// The registrar's settings.
pub(crate) fn registrar_settings(config: &Config) -> anyhow::Result<Settings> {
    let node = &config.amqp.settings.node;
    Ok(Settings {
        policy: config.cache.policy.clone(),
        limits: config.amqp.limits,
        zones: config.zones.iter().map(|zone| zone.zone.clone()).collect(),
        max_clock_skew: config.cache.max_clock_skew,
        capacity: config.cache.capacity,
        check_sync: config.notices.check_sync,
        ..Settings::new(Identity::new(node).context("amqp.node cannot be used")?)
    })
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
        // None is accepted.
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
