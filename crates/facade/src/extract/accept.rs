//! Content negotiation (RFC 9110, 12.5.1): JSON, or CSV for lists.

use actix_web::{HttpRequest, http::header};

use super::params::Params;
use crate::error::ApiError;

/// The type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON in the envelope.
    Json,
    /// A table.
    Csv,
}

/// The type that a list is wanted in: `?accept=` goes before the header, as with Crossbar.
pub(crate) fn wanted_format(req: &HttpRequest, params: &Params) -> Result<Format, ApiError> {
    match params.get("accept") {
        Some("csv" | "text/csv") => return Ok(Format::Csv),
        Some("json" | "application/json") => return Ok(Format::Json),
        Some(other) => {
            let takes = "json, csv, application/json or text/csv";
            return Err(ApiError::bad_parameter("accept", other, takes));
        }
        None => {}
    }
    let accepted = accepted(req);
    let quality = |kinds: [&str; 3]| kinds.iter().find_map(|kind| quality_of(&accepted, kind));
    if accepted.is_empty() {
        return Ok(Format::Json);
    }
    let json = quality(["application/json", "application/*", "*/*"]).unwrap_or(0);
    let csv = quality(["text/csv", "text/*", "*/*"]).unwrap_or(0);
    match (json, csv) {
        (0, 0) => Err(ApiError::NotAcceptable),
        (json, csv) if csv > json => Ok(Format::Csv),
        _ => Ok(Format::Json),
    }
}

/// Fails if the caller takes no JSON.
pub(crate) fn check_json(req: &HttpRequest) -> Result<(), ApiError> {
    let accepted = accepted(req);
    let kinds = ["application/json", "application/*", "*/*"];
    let quality = kinds.iter().find_map(|kind| quality_of(&accepted, kind));
    if accepted.is_empty() || quality.is_some_and(|quality| quality > 0) {
        Ok(())
    } else {
        Err(ApiError::NotAcceptable)
    }
}

/// The media ranges of the header, each with its quality in thousandths.
fn accepted(req: &HttpRequest) -> Vec<(String, u16)> {
    let values = req.headers().get_all(header::ACCEPT);
    let values = values.filter_map(|value| value.to_str().ok());
    let each = values.flat_map(|value| value.split(','));
    each.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| !kind.is_empty())?;
        let quality = parts
            .find_map(|part| part.strip_prefix("q="))
            .and_then(|quality| quality.parse::<f32>().ok())
            .map_or(1.0, |quality| quality.clamp(0.0, 1.0));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 1000"
        )]
        let thousandths = (quality * 1000.0) as u16;
        Some((kind.to_ascii_lowercase(), thousandths))
    })
    .collect()
}

fn quality_of(accepted: &[(String, u16)], kind: &str) -> Option<u16> {
    let named = accepted.iter().filter(|(named, _)| named == kind);
    named.map(|(_, quality)| *quality).max()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn judged(uri: &str, accept: Option<&str>) -> Option<Format> {
        let mut req = TestRequest::get().uri(uri);
        if let Some(accept) = accept {
            req = req.insert_header(("Accept", accept));
        }
        let req = req.to_http_request();
        wanted_format(&req, &Params::of(&req)).ok()
    }

    #[test]
    fn the_higher_quality_wins_and_json_goes_first() {
        for (accept, format) in [
            (None, Some(Format::Json)),
            (Some("*/*"), Some(Format::Json)),
            (Some("application/json"), Some(Format::Json)),
            (Some("text/csv"), Some(Format::Csv)),
            (Some("text/html, text/csv;q=0.5"), Some(Format::Csv)),
            (
                Some("text/csv;q=0.5, application/json;q=0.4"),
                Some(Format::Csv),
            ),
            (Some("TEXT/CSV;q=0.5, */*;q=0.9"), Some(Format::Json)),
            (Some("text/*"), Some(Format::Csv)),
            (Some("image/png"), None),
            (Some("application/json;q=0"), None),
            (Some(""), Some(Format::Json)),
        ] {
            assert_eq!(judged("/", accept), format, "{accept:?}");
        }
        assert_eq!(
            judged("/?accept=csv", Some("application/json")),
            Some(Format::Csv)
        );
        assert_eq!(judged("/?accept=pdf", None), None);
    }
}
