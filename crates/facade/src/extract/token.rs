//! Where a token stands in a request.

use std::borrow::Cow;

use actix_web::{
    dev::RequestHead,
    http::header::{self, HeaderName},
};

use super::params::Params;

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
