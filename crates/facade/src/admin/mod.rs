//! What operators ask and order, by realm rather than by account: for the command line.
//!
//! On the port it takes a token that may see all accounts; on the Unix socket none, since whoever
//! may open the socket's file is an operator. Lists are a JSON object a line.

mod changes;
mod flush;
mod list;
mod status;

use std::{future::Future, marker::PhantomData, os::unix::net::UnixListener, pin::Pin, sync::Arc};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse, HttpServer,
    dev::{Payload, Server},
    http::{StatusCode, header},
    middleware::from_fn,
    web::{self, Data, PayloadConfig, ServiceConfig},
};
use serde::Serialize;

use crate::{
    Facade,
    app::resource,
    boundary::boundary,
    caller::{Policy, check_system},
    error::ApiError,
    health, metrics,
    query::Params,
};

const READ: &str = "GET, OPTIONS";

/// A line of a list.
const LINES: &str = "application/x-ndjson";

/// Marks requests that came over the Unix socket.
#[derive(Clone, Copy)]
struct Local;

/// Who may see, or flush, all accounts.
pub(crate) struct Operator<P>(PhantomData<P>);

impl<P: Policy> FromRequest for Operator<P> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            if req.app_data::<Local>().is_none() {
                check_system::<P>(&req).await?;
            }
            Ok(Self(PhantomData))
        })
    }
}

/// The operators' routes.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/metrics", READ).route(web::get().to(metrics::metrics)))
        .service(resource("/admin/status", READ).route(web::get().to(status::status)))
        .service(
            resource("/admin/registrations", "GET, DELETE, OPTIONS")
                .route(web::get().to(list::list))
                .route(web::delete().to(flush::flush)),
        )
        .service(resource("/admin/registrations/count", READ).route(web::get().to(list::count)))
        .service(resource("/admin/changes", READ).route(web::get().to(changes::changes)))
        .service(resource("/admin/sync", "POST, OPTIONS").route(web::post().to(flush::sync)));
}

/// Serves operators on a Unix socket, without tokens.
pub fn serve_admin(facade: Arc<Facade>, listener: UnixListener) -> std::io::Result<Server> {
    let facade = Data::from(facade);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&facade))
            .app_data(PayloadConfig::new(1024))
            .app_data(Local)
            .wrap(from_fn(boundary))
            .service(resource("/healthz", READ).route(web::get().to(health::alive)))
            .service(resource("/readyz", READ).route(web::get().to(health::ready)))
            .configure(routes)
            .default_service(web::to(|| async {
                Err::<HttpResponse, _>(ApiError::FaultyRequest)
            }))
    });
    let server = server.workers(1).max_connections(100).disable_signals();
    Ok(server.listen_uds(listener)?.run())
}

/// The realm of the query, lower-cased; one that could not be sent to a proxy is refused.
fn realm(params: &Params) -> Result<Option<String>, ApiError> {
    name(params, "realm").map(|realm| realm.map(|realm| realm.to_ascii_lowercase()))
}

fn name(params: &Params, parameter: &'static str) -> Result<Option<String>, ApiError> {
    let Some(got) = params.get(parameter) else {
        return Ok(None);
    };
    registration::check_flushable(got).map_err(|_| ApiError::Parse {
        parameter,
        got: got.chars().take(300).collect(),
        takes: "1 to 255 bytes without quotes, backslash, `;`, `%` or control characters",
    })?;
    Ok(Some(got.to_owned()))
}

fn json(body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(StatusCode::OK)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body)
}
