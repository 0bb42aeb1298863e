//! The servers: the API, operators on a Unix socket, metrics on a port of their own.

use std::{net::TcpListener, os::unix::net::UnixListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::from_fn,
    web::{self, Data, PayloadConfig},
};
use tracing_actix_web::TracingLogger;

use crate::{
    app::create_app,
    metrics::Metrics,
    middleware::{RequestSpan, boundary},
    paths, routes,
    state::Facade,
    tls::Certificate,
};

/// Limits and sizes of the server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Worker threads.
    pub workers: usize,
    /// The most bytes a request's body may have.
    pub max_body_bytes: usize,
    /// The most connections at once, per worker.
    pub max_connections: usize,
    /// How long an idle connection is kept open.
    pub keep_alive: Duration,
    /// How long a client may take to send its headers.
    pub request_timeout: Duration,
    /// Serves over TLS with this.
    pub certificate: Option<Arc<Certificate>>,
    /// How long running requests may take to finish when the server stops, in whole seconds.
    pub drain_timeout: Duration,
}

/// Serves the API on a socket that is bound already. The caller stops it through its handle.
pub fn serve(
    facade: impl Into<Arc<Facade>>,
    listener: TcpListener,
    settings: &ServerSettings,
) -> std::io::Result<Server> {
    let facade = Data::from(facade.into());
    let max_body_bytes = settings.max_body_bytes;
    let server = HttpServer::new(move || create_app(Data::clone(&facade), max_body_bytes));
    let server = server
        .workers(settings.workers)
        .max_connections(settings.max_connections)
        .keep_alive(settings.keep_alive)
        .client_request_timeout(settings.request_timeout)
        .shutdown_timeout(settings.drain_timeout.as_secs())
        .disable_signals();
    let server = match &settings.certificate {
        None => server.listen(listener)?,
        Some(certificate) => {
            let config = certificate.server_config().map_err(std::io::Error::other)?;
            server.listen_rustls_0_23(listener, config)?
        }
    };
    Ok(server.run())
}

/// Serves operators on a Unix socket, without tokens.
pub fn serve_admin(facade: Arc<Facade>, listener: UnixListener) -> std::io::Result<Server> {
    let facade = Data::from(facade);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&facade))
            .app_data(PayloadConfig::new(1024))
            .wrap(from_fn(boundary))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(routes::configure_socket)
            .configure(paths::unknown_paths)
    });
    let server = server.workers(1).max_connections(100).disable_signals();
    Ok(server.listen_uds(listener)?.run())
}

/// How long a scrape may take to send its headers, and to finish when the server stops.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves only `GET /metrics`, without tokens.
pub fn serve_metrics(metrics: Metrics, listener: TcpListener) -> std::io::Result<Server> {
    let metrics = Data::new(metrics);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&metrics))
            .route("/metrics", web::get().to(routes::open_metrics))
    });
    let server = server
        .workers(1)
        .max_connections(100)
        .client_request_timeout(SCRAPE_TIMEOUT)
        .shutdown_timeout(SCRAPE_TIMEOUT.as_secs())
        .disable_signals();
    Ok(server.listen(listener)?.run())
}
