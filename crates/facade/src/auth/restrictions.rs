//! Restrictions of a Kazoo token, by its own claim (Kazoo API, Token Restrictions).

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use registration::AccountId;
use serde::Deserialize;

use super::access::{Access, Subject};

/// Rules by endpoint; `_` stands for any.
pub(super) type Restrictions = HashMap<String, Vec<Rule>>;

/// One rule of an endpoint.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Rule {
    /// Account ids, `{AUTH_ACCOUNT_ID}` for the token's own, `_` for any. None for any.
    #[serde(default)]
    allowed_accounts: Option<Vec<String>>,
    /// Methods by what stands behind the endpoint; `_` for any method.
    #[serde(default)]
    rules: HashMap<String, Vec<String>>,
}

/// Whether restrictions permit a request. The endpoint's own rules go before those for any endpoint;
/// without either nothing is permitted.
pub(super) fn permits(restrictions: &Restrictions, own: &AccountId, access: Access<'_>) -> bool {
    let rules = restrictions
        .get(access.endpoint)
        .or_else(|| restrictions.get("_"));
    rules.is_some_and(|rules| rules.iter().any(|rule| rule.permits(own, access)))
}

impl Rule {
    fn permits(&self, own: &AccountId, access: Access<'_>) -> bool {
        let is_allowed = |allowed: &String| match (allowed.as_str(), access.subject) {
            ("_", _) => true,
            ("{AUTH_ACCOUNT_ID}", Subject::Account(asked)) => asked == own,
            // A right to another account is that of its ancestor.
            ("{DESCENDANT_ACCOUNT_ID}", Subject::Account(asked)) => asked != own,
            (id, Subject::Account(asked)) => asked.as_str().eq_ignore_ascii_case(id),
            (_, Subject::System) => false,
        };
        let account = self
            .allowed_accounts
            .as_ref()
            .is_none_or(|allowed| allowed.iter().any(is_allowed));
        let takes = |methods: &Vec<String>| {
            methods
                .iter()
                .any(|method| method == "_" || method.eq_ignore_ascii_case(access.method))
        };
        let by_path = self
            .rules
            .iter()
            .any(|(pattern, methods)| matches(pattern, access.arguments) && takes(methods));
        account && by_path
    }
}

/// Whether a pattern names a path: `*` is one segment, `#` any number of them, `/` none at all.
fn matches(pattern: &str, path: &str) -> bool {
    fn segments(text: &str) -> Vec<&str> {
        text.split('/')
            .filter(|segment| !segment.is_empty())
            .collect()
    }
    fn fits(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            (["#", rest @ ..], _) => {
                fits(rest, path)
                    || path
                        .split_first()
                        .is_some_and(|(_, left)| fits(pattern, left))
            }
            ([first, rest @ ..], [segment, left @ ..]) => {
                (*first == "*" || first == segment) && fits(rest, left)
            }
            _ => false,
        }
    }
    fits(&segments(pattern), &segments(path))
}

/// The claim in a token that Crossbar has found valid.
pub(super) fn of_verified(token: &str) -> Option<(AccountId, Restrictions)> {
    #[derive(Deserialize)]
    struct Claims {
        account_id: String,
        restrictions: Option<Restrictions>,
    }
    let payload = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some((
        AccountId::parse(&claims.account_id).ok()?,
        claims.restrictions?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Right;

    #[test]
    fn patterns() {
        for (pattern, path, fit) in [
            ("/", "", true),
            ("/", "count", false),
            ("*", "count", true),
            ("*", "", false),
            ("*", "a/b", false),
            ("#", "", true),
            ("#", "a/b", true),
            ("count", "count", true),
            ("/count", "count", true),
            ("a/#/c", "a/b/b/c", true),
            ("a/#", "b", false),
        ] {
            assert_eq!(matches(pattern, path), fit, "{pattern} {path}");
        }
    }

    #[test]
    fn the_endpoints_own_rules_go_before_those_for_any() {
        let own = AccountId::parse(&"a".repeat(32)).unwrap();
        let other = AccountId::parse(&"b".repeat(32)).unwrap();
        let restrictions: Restrictions = serde_json::from_str(
            r##"{"registrations": [{"allowed_accounts": ["{AUTH_ACCOUNT_ID}"], "rules": {"/": ["GET"], "count": ["_"]}}],
                "_": [{"rules": {"#": ["_"]}}]}"##,
        )
        .unwrap();
        let judged = |endpoint, arguments, method, account: &AccountId| {
            let subject = Subject::Account(*account);
            let access = Access {
                subject: &subject,
                right: Right::Read,
                method,
                endpoint,
                arguments,
            };
            permits(&restrictions, &own, access)
        };
        assert!(judged("registrations", "", "GET", &own));
        assert!(!judged("registrations", "", "DELETE", &own));
        assert!(judged("registrations", "count", "get", &own));
        assert!(!judged("registrations", "bob", "DELETE", &own));
        assert!(!judged("registrations", "", "GET", &other));
        assert!(judged("devices", "status", "GET", &other));
        let none: Restrictions = HashMap::new();
        let subject = Subject::Account(own);
        let access = Access {
            subject: &subject,
            right: Right::Read,
            method: "GET",
            endpoint: "registrations",
            arguments: "",
        };
        assert!(!permits(&none, &own, access));
    }
}
