//! Metrics of requests, and all metrics as text for Prometheus.

use std::{sync::Arc, time::Duration};

use actix_web::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

/// Upper bounds in seconds.
const BUCKETS: [f64; 12] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// Labels come from fixed sets: known methods, the routes' patterns, statuses. Nothing of a request's
/// path gets in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: &'static str,
}

/// All metrics of the process.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Answered, Counter>,
    durations: Family<ByRoute, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Registry::default())
    }
}

impl Metrics {
    /// The metrics of a registry, with those of requests added.
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

    /// Counts an answer.
    pub(crate) fn answered(
        &self,
        (verb, route): (&Method, &'static str),
        status: StatusCode,
        took: Duration,
    ) {
        let answered = Answered {
            method: method(verb),
            route,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&answered).inc();
        let durations = self.durations.get_or_create(&ByRoute { route });
        durations.observe(took.as_secs_f64());
    }

    /// All metrics as text, in `OpenMetrics` or in Prometheus' own format.
    pub(crate) fn text(&self, openmetrics: bool) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        if openmetrics {
            text::encode(&mut text, &self.registry)?;
        } else {
            prometheus_text::encode(&mut text, &self.registry)?;
        }
        Ok(text)
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
