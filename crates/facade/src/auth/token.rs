//! Where a token may stand in a request.

use actix_web::{HttpRequest, http::header};

use crate::query::Params;

/// The caller's token: `X-Auth-Token`, else `auth_token` in the query, else `Authorization: Bearer`.
pub(crate) fn token_of(req: &HttpRequest) -> Option<String> {
    let text = |name: &str| {
        req.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let bearer = || {
        let (scheme, token) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim().to_owned())
    };
    text("x-auth-token")
        .map(str::to_owned)
        .or_else(|| Params::of(req).get("auth_token").map(str::to_owned))
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
        assert_eq!(token_of(&all.to_http_request()).as_deref(), Some("header"));
        let two = TestRequest::get()
            .uri("/?auth_token=query")
            .insert_header(("Authorization", "Bearer bearer"));
        assert_eq!(token_of(&two.to_http_request()).as_deref(), Some("query"));
        let one = TestRequest::get().insert_header(("Authorization", "bearer  bearer"));
        assert_eq!(token_of(&one.to_http_request()).as_deref(), Some("bearer"));
        let basic = TestRequest::get().insert_header(("Authorization", "Basic Ym9iOmJvYg=="));
        assert_eq!(token_of(&basic.to_http_request()), None);
    }
}
