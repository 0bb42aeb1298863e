//! The routes, and the server that runs them.

use std::{future::ready, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, Error, HttpResponse, HttpServer, Resource,
    body::MessageBody,
    dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse},
    http::header,
    middleware::{Compress, DefaultHeaders, from_fn},
    web::{self, Data, PayloadConfig, ServiceConfig},
};

use crate::{
    Certificate, Facade, admin, boundary::boundary, devices, error::ApiError, events, health,
    openapi, page, registrations, summary, system, tunnel,
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

/// What belongs to an account begins with this.
pub(crate) const ACCOUNT: &str = "/v2/accounts/{account_id}";
pub(crate) const LIST: &str = "/v2/accounts/{account_id}/registrations";
pub(crate) const COUNT: &str = "/v2/accounts/{account_id}/registrations/count";
pub(crate) const COLLECTION: &str = "GET, HEAD, DELETE, OPTIONS";
pub(crate) const PROBE: &str = "GET, HEAD, OPTIONS";
pub(crate) const MEMBER: &str = "GET, HEAD, DELETE, OPTIONS";

/// The routes alone, for a server or a test.
pub fn routes(config: &mut ServiceConfig) {
    config
        // First, since these are asked all day.
        .service(
            web::scope(ACCOUNT)
                .service(
                    of_account(LIST, COLLECTION)
                        .route(web::get().to(registrations::list))
                        .route(web::head().to(registrations::list))
                        .route(web::delete().to(registrations::flush_all))
                        .route(web::post().to(tunnel::post_all)),
                )
                .service(
                    of_account(COUNT, COLLECTION)
                        .route(web::get().to(registrations::count))
                        .route(web::head().to(registrations::count))
                        .route(web::delete().to(registrations::flush_count))
                        .route(web::post().to(tunnel::post_one)),
                )
                .service(
                    of_account("/v2/accounts/{account_id}/registrations/events", COLLECTION)
                        .route(web::get().to(events::events))
                        .route(web::delete().to(registrations::flush_events))
                        .route(web::post().to(tunnel::post_one)),
                )
                .service(
                    of_account("/v2/accounts/{account_id}/registrations/{username}", MEMBER)
                        .route(web::get().to(registrations::one))
                        .route(web::head().to(registrations::one))
                        .route(web::delete().to(registrations::flush_one))
                        .route(web::post().to(tunnel::post_one)),
                )
                .service(
                    of_account("/v2/accounts/{account_id}/devices/status", PROBE)
                        .route(web::get().to(devices::status))
                        .route(web::head().to(devices::status)),
                ),
        )
        .service(
            resource("/healthz", PROBE)
                .route(web::get().to(health::alive))
                .route(web::head().to(health::alive)),
        )
        .configure(page::routes)
        .service(resource("/openapi.json", PROBE).route(web::get().to(openapi::json)))
        .service(resource("/docs", PROBE).route(web::get().to(openapi::page)))
        .service(resource("/docs/page.js", PROBE).route(web::get().to(openapi::script)))
        .service(resource("/docs/page.css", PROBE).route(web::get().to(openapi::style)))
        .service(
            resource("/readyz", PROBE)
                .route(web::get().to(health::ready))
                .route(web::head().to(health::ready)),
        )
        .service(
            resource("/v2/registrations", PROBE)
                .route(web::get().to(system::list))
                .route(web::head().to(system::list)),
        )
        .service(
            resource("/v2/registrations/count", PROBE)
                .route(web::get().to(system::count))
                .route(web::head().to(system::count)),
        )
        .configure(admin::routes)
        .service(
            resource("/v2/registrations/summary", PROBE)
                .route(web::get().to(summary::summary))
                .route(web::head().to(summary::summary)),
        )
        .default_service(web::to(|| async {
            Err::<HttpResponse, _>(ApiError::FaultyRequest)
        }));
}

/// Where a request went to, by the path's pattern.
pub(crate) struct Route(pub(crate) &'static str);

/// A path that says which methods it takes.
pub(crate) fn resource(path: &'static str, allow: &'static str) -> Resource {
    resource_at(path, path, allow)
}

/// The same of a path that begins with [`ACCOUNT`], within its scope.
fn of_account(path: &'static str, allow: &'static str) -> Resource {
    let within = path.strip_prefix(ACCOUNT).unwrap_or(path);
    resource_at(within, path, allow)
}

fn resource_at(at: &'static str, path: &'static str, allow: &'static str) -> Resource {
    web::resource(at)
        .app_data(Route(path))
        .route(web::method(actix_web::http::Method::OPTIONS).to(move || ready(preflight(allow))))
        .default_service(web::to(move || async move {
            Err::<HttpResponse, _>(ApiError::InvalidMethod { allow })
        }))
}

/// CORS preflight: needs no token, a browser sends none.
fn preflight(allow: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ALLOW, allow))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, allow))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, X-Auth-Token, X-Request-ID, Authorization, If-None-Match, Cache-Control",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// The whole of what answers a request, for the server or without one.
pub fn app(
    facade: Data<Facade>,
    max_body_bytes: usize,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(facade)
        .app_data(PayloadConfig::new(max_body_bytes))
        // The boundary makes new answers of errors, so what is done to all comes after it.
        .wrap(from_fn(boundary))
        .wrap(cors_headers())
        .wrap(Compress::default())
        .configure(routes)
}

/// Serves on a socket that is bound already. The caller stops it through its handle.
pub fn serve(
    facade: impl Into<Arc<Facade>>,
    listener: TcpListener,
    settings: &ServerSettings,
) -> std::io::Result<Server> {
    let facade = Data::from(facade.into());
    let max_body_bytes = settings.max_body_bytes;
    let server = HttpServer::new(move || app(Data::clone(&facade), max_body_bytes));
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

/// Any origin may read the answers: what guards them is the token, which no browser adds by itself.
fn cors_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .add((header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, X-Request-ID"))
}
