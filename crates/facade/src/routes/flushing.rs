//! Carries out flushes, and tells how they went.

use actix_web::{HttpRequest, http::StatusCode, web::Data};
use registrar::{FlushError, Flushed};
use registration::Zone;
use tracing::Instrument as _;

use crate::{
    error::ApiError,
    response::{Answer, Extras, success},
    state::Facade,
};

/// Runs an order to its end even if the caller hangs up: the table has to follow what the proxies were
/// told.
pub(super) async fn run_to_end<O>(order: O) -> Result<Flushed, ApiError>
where
    O: Future<Output = Result<Flushed, FlushError>> + Send + 'static,
{
    match tokio::spawn(order.in_current_span()).await {
        Ok(done) => Ok(done?),
        Err(error) => {
            tracing::error!(%error, "a flush ended early");
            Err(ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

/// Answers `"ok"`, with what the caller should know besides.
pub(super) fn flushed_answer(
    req: &HttpRequest,
    facade: &Data<Facade>,
    flushed: &Flushed,
) -> Answer {
    let zones = flushed.missing.iter().map(|(zone, _)| Zone::as_str(zone));
    let zones: Vec<_> = zones.collect();
    for (zone, reason) in &flushed.missing {
        tracing::warn!(%zone, %reason, "a zone did not take the flush");
    }
    let warning = (!zones.is_empty()).then(|| {
        format!(
            "these zones did not take the flush, their phones stay registered: {}",
            zones.join(", ")
        )
    });
    let note = (flushed.repeated > 0).then(|| {
        format!(
            "{} of these registrations are so young that a proxy may not find them yet: they are \
             flushed again within the next 7 seconds",
            flushed.repeated
        )
    });
    let extras = Extras {
        note,
        warning,
        ..Extras::default()
    };
    success(req, facade, b"\"ok\"", &extras)
}
