//! What is measured of requests, and all metrics as text for Prometheus.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    http::{Method, StatusCode, header},
    web::{self, Data},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use crate::{Facade, admin::Operator, caller::ToRead, error::ApiError};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper bounds in seconds.
const BUCKETS: [f64; 12] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0,
];
/// How long a scrape may take to send its headers, and to finish when the server stops.
const PATIENCE: Duration = Duration::from_secs(5);

/// Labels come from fixed sets: the methods there are, the routes' own patterns, the statuses that
/// are answered. Nothing of a request's path gets in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    route: &'static str,
}

/// All metrics of the process.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Answered, Counter>,
    durations: Family<Of, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Registry::default())
    }
}

impl Metrics {
    /// Those of a registry, and of requests beside them.
    pub fn new(mut registry: Registry) -> Self {
        let requests = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        registry.register(
            "rollcall_http_requests",
            "Requests, by method, route and status",
            requests.clone(),
        );
        registry.register(
            "rollcall_http_request_duration_seconds",
            "From a request's head to the head of its answer, by route",
            durations.clone(),
        );
        Self {
            registry: Arc::new(registry),
            requests,
            durations,
        }
    }

    /// Notes an answer.
    pub(crate) fn answered(
        &self,
        (asked, route): (&Method, &'static str),
        status: StatusCode,
        took: Duration,
    ) {
        let answered = Answered {
            method: method(asked),
            route,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&answered).inc();
        let durations = self.durations.get_or_create(&Of { route });
        durations.observe(took.as_secs_f64());
    }

    /// All of them as text, `OpenMetrics` or Prometheus' own.
    fn text(&self, openmetrics: bool) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        if openmetrics {
            text::encode(&mut text, &self.registry)?;
        } else {
            prometheus_text::encode(&mut text, &self.registry)?;
        }
        Ok(text)
    }

    fn answer(&self, req: &HttpRequest) -> HttpResponse {
        let accepted = req.headers().get(header::ACCEPT);
        let openmetrics = accepted
            .and_then(|accepted| accepted.to_str().ok())
            .is_some_and(|accepted| accepted.contains("application/openmetrics-text"));
        let kind = if openmetrics { OPENMETRICS } else { PROMETHEUS };
        match self.text(openmetrics) {
            Ok(text) => HttpResponse::Ok().content_type(kind).body(text),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                HttpResponse::InternalServerError().finish()
            }
        }
    }
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// `GET /metrics`, for who may see all accounts
pub(crate) async fn metrics(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Operator<ToRead>,
) -> Result<HttpResponse, ApiError> {
    Ok(facade.metrics.answer(&req))
}

/// The same without a token, on a listener of its own.
async fn open(req: HttpRequest, metrics: Data<Metrics>) -> HttpResponse {
    metrics.answer(&req)
}

/// Serves nothing but `GET /metrics`, to whoever reaches the socket.
pub fn serve_metrics(metrics: Metrics, listener: TcpListener) -> std::io::Result<Server> {
    let metrics = Data::new(metrics);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&metrics))
            .route("/metrics", web::get().to(open))
    });
    let server = server
        .workers(1)
        .max_connections(100)
        .client_request_timeout(PATIENCE)
        .shutdown_timeout(PATIENCE.as_secs())
        .disable_signals();
    Ok(server.listen(listener)?.run())
}
