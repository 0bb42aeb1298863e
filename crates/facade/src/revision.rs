//! Strong validators of answers (RFC 9110, 8.8.3): equal content, equal revision.

use actix_web::{HttpRequest, HttpResponse, http::header};
use sha2::{Digest as _, Sha256};

/// How long one is.
const LENGTH: usize = 32;

/// Tells one content from another; with the quotes that it has in a header.
pub(crate) struct Revision([u8; LENGTH + 2]);

impl Revision {
    /// Of data.
    pub(crate) fn of(data: &[u8]) -> Self {
        Self::of_digest(&Sha256::digest(data))
    }

    /// Of what has this SHA-256.
    pub(crate) fn of_digest(digest: &[u8]) -> Self {
        Self::written(|digits| {
            // A digest is longer than that.
            let half = digest.get(..LENGTH / 2).unwrap_or(digest);
            let _ = hex::encode_to_slice(half, digits);
        })
    }

    /// Of a count: as good as a digest, and sooner made, as it is all that its data says.
    pub(crate) fn of_count(count: usize) -> Self {
        let count = format!("{count:032}");
        Self::written(|digits| {
            let pairs = digits.iter_mut().zip(count.bytes());
            pairs.for_each(|(digit, own)| *digit = own);
        })
    }

    fn written(write: impl FnOnce(&mut [u8; LENGTH])) -> Self {
        let mut quoted = [b'0'; LENGTH + 2];
        let [open, digits @ .., close] = &mut quoted;
        (*open, *close) = (b'"', b'"');
        write(digits);
        Self(quoted)
    }

    /// As envelopes have it.
    pub(crate) fn digits(&self) -> &[u8] {
        let [_, digits @ .., _] = &self.0;
        digits
    }

    /// As headers have it.
    pub(crate) fn etag(&self) -> &[u8] {
        &self.0
    }

    /// 304, if the caller has data of this revision already.
    pub(crate) fn unchanged(&self, req: &HttpRequest) -> Option<HttpResponse> {
        self.is_known_to(req).then(|| {
            HttpResponse::NotModified()
                .insert_header((header::ETAG, self.etag()))
                .finish()
        })
    }

    /// Whether the caller says that it has data of this revision.
    pub(crate) fn is_known_to(&self, req: &HttpRequest) -> bool {
        let head = req.head();
        let is_read = matches!(head.method.as_str(), "GET" | "HEAD");
        let values = head.headers.get_all(header::IF_NONE_MATCH);
        let values = values.filter_map(|value| value.to_str().ok());
        let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
        let is_own = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.etag();
        is_read && tags.any(|tag| tag == "*" || is_own(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_as_long_whatever_it_is_of() {
        for (revision, expected) in [
            (Revision::of(b"[]"), "4f53cda18c2baa0c0354bb5f9a3ecbe5"),
            (Revision::of_count(0), "00000000000000000000000000000000"),
            (
                Revision::of_count(usize::MAX),
                "00000000000018446744073709551615",
            ),
        ] {
            assert_eq!(revision.digits(), expected.as_bytes());
            assert_eq!(revision.etag(), format!("\"{expected}\"").as_bytes());
        }
    }
}
