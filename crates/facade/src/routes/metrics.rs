//! `GET /metrics`

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, ServiceConfig, get},
};

use crate::{
    extract::{Operator, Read},
    metrics::Metrics,
    paths::{GET, resource},
    response::Answer,
    state::Facade,
};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The route of the metrics.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(resource("/metrics", GET).route(get().to(metrics)));
}

/// `GET /metrics`, for callers that may see all accounts.
async fn metrics(req: HttpRequest, facade: Data<Facade>, _: Operator<Read>) -> Answer {
    Ok(answer(&req, &facade.metrics))
}

/// `GET /metrics` on a port of its own, where it takes no token.
pub(crate) async fn open_metrics(req: HttpRequest, metrics: Data<Metrics>) -> HttpResponse {
    answer(&req, &metrics)
}

fn answer(req: &HttpRequest, metrics: &Metrics) -> HttpResponse {
    let accepted = req.headers().get(header::ACCEPT);
    let openmetrics = accepted
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|accepted| accepted.contains("application/openmetrics-text"));
    let content_type = if openmetrics { OPENMETRICS } else { PROMETHEUS };
    match metrics.text(openmetrics) {
        Ok(text) => HttpResponse::Ok().content_type(content_type).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
