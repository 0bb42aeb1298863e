//! Where a token may stand in a request, and what stands for it where it must not be kept.

use std::{borrow::Cow, cell::RefCell};

use actix_web::{
    dev::RequestHead,
    http::header::{self, HeaderName},
};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::query::Params;

/// A caller's token.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    text: &'a str,
    digest: [u8; 32],
}

impl<'a> Token<'a> {
    /// A token as the caller has sent it.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            digest: digest_of(text),
        }
    }

    /// As it was sent: for nobody but who can tell whose it is.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Its SHA-256.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

/// The longest token whose digest is remembered: to compare longer ones takes as long as a digest.
const LONGEST_REMEMBERED: usize = 64;

thread_local! {
    /// This thread's last token, and its digest. Whoever asks all day shows the same one.
    static LAST: RefCell<Option<(SecretString, [u8; 32])>> = const { RefCell::new(None) };
}

fn digest_of(token: &str) -> [u8; 32] {
    LAST.with_borrow_mut(|last| {
        if let Some((known, digest)) = last {
            let known = known.expose_secret().as_bytes();
            if bool::from(known.ct_eq(token.as_bytes())) {
                return *digest;
            }
        }
        let digest = Sha256::digest(token.as_bytes()).into();
        if token.len() <= LONGEST_REMEMBERED {
            *last = Some((token.into(), digest));
        }
        digest
    })
}

const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// The caller's token: `X-Auth-Token`, else `auth_token` in the query, else `Authorization: Bearer`.
pub(crate) fn token_of(head: &RequestHead) -> Option<Cow<'_, str>> {
    let text = |name: HeaderName| {
        let value = head.headers.get(name)?;
        value.to_str().ok()
    };
    let bearer = || {
        let (scheme, token) = text(header::AUTHORIZATION)?.split_once(' ')?;
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        is_bearer.then(|| token.trim().into())
    };
    let in_query = || {
        let token = Params::of_head(head).get("auth_token")?.to_owned();
        Some(token.into())
    };
    text(X_AUTH_TOKEN)
        .map(Cow::from)
        .or_else(in_query)
        .or_else(bearer)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_digest_is_the_tokens_own_whatever_was_remembered() {
        let long = "x".repeat(LONGEST_REMEMBERED + 1);
        for token in ["one", "one", "two", "tw", "two", &long, "two", &long, ""] {
            let own: [u8; 32] = Sha256::digest(token.as_bytes()).into();
            assert_eq!(Token::new(token).digest(), own, "{token}");
        }
    }

    #[test]
    fn the_first_place_wins() {
        let all = TestRequest::get()
            .uri("/?auth_token=query")
            .insert_header(("X-Auth-Token", "header"))
            .insert_header(("Authorization", "Bearer bearer"));
        assert_eq!(
            token_of(all.to_http_request().head()).as_deref(),
            Some("header")
        );
        let two = TestRequest::get()
            .uri("/?auth_token=query")
            .insert_header(("Authorization", "Bearer bearer"));
        assert_eq!(
            token_of(two.to_http_request().head()).as_deref(),
            Some("query")
        );
        let one = TestRequest::get().insert_header(("Authorization", "bearer  bearer"));
        assert_eq!(
            token_of(one.to_http_request().head()).as_deref(),
            Some("bearer")
        );
        let basic = TestRequest::get().insert_header(("Authorization", "Basic Ym9iOmJvYg=="));
        assert_eq!(token_of(basic.to_http_request().head()), None);
    }
}
