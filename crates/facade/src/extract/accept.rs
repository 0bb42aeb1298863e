//! Content negotiation (RFC 9110, 12.5.1): JSON, or CSV for lists.

use actix_web::{
    HttpRequest,
    http::header::{self, Accept, Header as _, Quality},
};

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
    let Some(accept) = accept(req) else {
        return Ok(Format::Json);
    };
    let json = quality(&accept, ("application", "json"));
    let csv = quality(&accept, ("text", "csv"));
    if json == Quality::ZERO && csv == Quality::ZERO {
        return Err(ApiError::NotAcceptable);
    }
    Ok(if csv > json {
        Format::Csv
    } else {
        Format::Json
    })
}

/// Fails if the caller takes no JSON.
pub(crate) fn check_json(req: &HttpRequest) -> Result<(), ApiError> {
    let quality = accept(req).map(|accept| quality(&accept, ("application", "json")));
    if quality == Some(Quality::ZERO) {
        return Err(ApiError::NotAcceptable);
    }
    Ok(())
}

/// The Accept header, if there is one that names a type.
fn accept(req: &HttpRequest) -> Option<Accept> {
    req.headers().get(header::ACCEPT)?;
    Accept::parse(req).ok().filter(|accept| !accept.is_empty())
}

/// The quality of a type, by the most specific range that names it.
fn quality(accept: &Accept, (kind, subtype): (&str, &str)) -> Quality {
    let ranges = [(kind, subtype), (kind, "*"), ("*", "*")];
    let of = |(kind, subtype)| {
        let named = accept
            .iter()
            .filter(move |range| range.item.type_() == kind && range.item.subtype() == subtype);
        named.map(|range| range.quality).max()
    };
    ranges.into_iter().find_map(of).unwrap_or(Quality::ZERO)
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
