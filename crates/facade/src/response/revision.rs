//! Strong validators of answers (RFC 9110, 8.8.3): equal content has an equal revision.

use actix_web::{HttpRequest, HttpResponse, http::header};
use sha2::{Digest as _, Sha256};

/// A validator: 32 hex digits, with the quotes that they have in a header.
pub(crate) struct Revision(String);

impl Revision {
    /// Of data.
    pub(crate) fn of(data: &[u8]) -> Self {
        Self::of_digest(&Sha256::digest(data))
    }

    /// Of content with this SHA-256.
    pub(crate) fn of_digest(digest: &[u8]) -> Self {
        let half = digest.get(..16).unwrap_or(digest);
        Self(["\"", &hex::encode(half), "\""].concat())
    }

    /// Of a count, which needs no digest.
    pub(crate) fn of_count(count: usize) -> Self {
        Self(format!("\"{count:032}\""))
    }

    /// As envelopes show it.
    pub(crate) fn digits(&self) -> &str {
        self.0.trim_matches('"')
    }

    /// As headers show it.
    pub(crate) fn etag(&self) -> &str {
        &self.0
    }

    /// 304, if the caller has content of this revision already.
    pub(crate) fn unchanged(&self, req: &HttpRequest) -> Option<HttpResponse> {
        self.is_known_to(req).then(|| {
            HttpResponse::NotModified()
                .insert_header((header::ETAG, self.etag()))
                .finish()
        })
    }

    /// Whether the caller says that it has content of this revision.
    pub(crate) fn is_known_to(&self, req: &HttpRequest) -> bool {
        let is_read = matches!(req.method().as_str(), "GET" | "HEAD");
        let values = req.headers().get_all(header::IF_NONE_MATCH);
        let values = values.filter_map(|value| value.to_str().ok());
        let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
        let is_own = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) == self.etag();
        is_read && tags.any(|tag| tag == "*" || is_own(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_revision_has_32_digits() {
        for (revision, expected) in [
            (Revision::of(b"[]"), "4f53cda18c2baa0c0354bb5f9a3ecbe5"),
            (Revision::of_count(0), "00000000000000000000000000000000"),
            (
                Revision::of_count(usize::MAX),
                "00000000000018446744073709551615",
            ),
        ] {
            assert_eq!(revision.digits(), expected);
            assert_eq!(revision.etag(), format!("\"{expected}\""));
        }
    }
}
