//! `[auth]`: who may do what.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use registration::AccountId;

use super::{http::Http, reader::Reader};

/// `auth.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Tokens from a file of hashes.
    Static,
    /// Kazoo's tokens, checked by Crossbar.
    Crossbar,
    /// Kazoo's tokens, verified here.
    Jwt,
    /// No tokens.
    None,
}

const MODES: [(&str, AuthMode); 4] = [
    ("static", AuthMode::Static),
    ("crossbar", AuthMode::Crossbar),
    ("jwt", AuthMode::Jwt),
    ("none", AuthMode::None),
];

/// `[auth]`
#[derive(Debug)]
pub struct Auth {
    /// How callers are told apart.
    pub mode: AuthMode,
    /// File of token hashes.
    pub tokens_file: Option<PathBuf>,
    /// Whether answers repeat the caller's token.
    pub echo_token: bool,
    /// Crossbar's base URL.
    pub crossbar_url: Option<String>,
    /// How long Crossbar may take to answer.
    pub crossbar_timeout: Duration,
    /// What only those may GET who may see all accounts.
    pub system_path: String,
    /// How long Crossbar's answers are good for.
    pub cache_ttl: Duration,
    /// Folder of the keys that tokens are signed with.
    pub keys_dir: Option<PathBuf>,
    /// Who signs tokens.
    pub issuer: String,
    /// Accounts whose tokens may do everything.
    pub superduper_accounts: HashSet<AccountId>,
    /// Bad tokens a minute, of one address or the same.
    pub max_failures: u32,
}

impl Auth {
    pub(super) fn read(r: &mut Reader, http: &Http) -> Self {
        let path = |text: &str| text.starts_with('/').then(|| text.to_owned());
        let accounts = "a list of account ids (32 hex digits)";
        let auth = Self {
            mode: r.choice("auth.mode", &MODES, AuthMode::Static),
            tokens_file: r.path("auth.tokens_file"),
            crossbar_url: r.optional("auth.crossbar_url", "an http:// or https:// URL", "", url),
            crossbar_timeout: r.seconds("auth.crossbar_timeout", 1..=60, 5),
            system_path: r.parsed(
                "auth.system_path",
                "a path",
                "/v2/system_status".to_owned(),
                path,
            ),
            cache_ttl: r.seconds("auth.cache_ttl", 1..=3600, 60),
            keys_dir: r.path("auth.keys_dir"),
            issuer: r.text("auth.issuer", "a name", "kazoo"),
            superduper_accounts: r
                .list("auth.superduper_accounts", accounts, |id| {
                    AccountId::parse(id).ok()
                })
                .into_iter()
                .collect(),
            max_failures: r.number("auth.max_failures", "a minute", 1..=1_000_000, 60),
            echo_token: r.flag("auth.echo_token", true),
        };
        let beyond_loopback = r.flag("auth.allow_none_beyond_loopback", false);
        let lacking = match auth.mode {
            AuthMode::Static if auth.tokens_file.is_none() => {
                Some("auth.mode = \"static\": auth.tokens_file must name the file of token hashes")
            }
            AuthMode::Crossbar if auth.crossbar_url.is_none() => {
                Some("auth.mode = \"crossbar\": auth.crossbar_url must be Crossbar's URL")
            }
            AuthMode::Jwt if auth.keys_dir.is_none() && auth.crossbar_url.is_none() => Some(
                "auth.mode = \"jwt\": auth.keys_dir must name the folder of keys, or \
                 auth.crossbar_url the Crossbar that has them",
            ),
            _ => None,
        };
        if let Some(lacking) = lacking {
            r.problem(lacking);
        }
        if auth.mode == AuthMode::None && !http.bind.is_loopback() && !beyond_loopback {
            r.problem(&format!(
                "auth.mode = \"none\" with http.bind = \"{}\": anyone who reaches this address could flush every \
                 phone; set http.bind = \"127.0.0.1\", or auth.allow_none_beyond_loopback = true",
                http.bind
            ));
        }
        auth
    }
}

fn url(text: &str) -> Option<String> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    // Credentials have no business in it; the caller's token is what counts.
    (!host.is_empty() && !host.contains('@')).then(|| text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused};

    #[test]
    fn no_auth_is_for_loopback_unless_said_twice() {
        let none = ("ROLLCALL_AUTH__MODE", "none");
        assert!(refused("", &[none]).contains("http.bind = \"127.0.0.1\""));
        assert!(load("[http]\nbind = \"::1\"", &[none]).is_ok());
        let twice = ("ROLLCALL_AUTH__ALLOW_NONE_BEYOND_LOOPBACK", "true");
        assert!(load("", &[none, twice]).is_ok());
        let said = refused("", &[("ROLLCALL_AUTH__MODE", "trust")]);
        assert!(
            said.contains("\"static\", \"crossbar\", \"jwt\" or \"none\""),
            "{said}"
        );
    }

    #[test]
    fn each_mode_needs_what_it_goes_by() {
        assert!(refused("", &[]).contains("auth.tokens_file"));
        assert!(load("[auth]\ntokens_file = \"tokens.toml\"", &[]).is_ok());
        let crossbar = "[auth]\nmode = \"crossbar\"\n";
        assert!(refused(crossbar, &[]).contains("auth.crossbar_url must be"));
        for (url, good) in [
            ("http://crossbar:8000", true),
            ("https://crossbar/", true),
            ("crossbar:8000", false),
            ("http://", false),
            ("http://user:password@crossbar", false),
        ] {
            let text = format!("{crossbar}crossbar_url = \"{url}\"");
            assert_eq!(load(&text, &[]).is_ok(), good, "{url}");
        }
        let jwt = "[auth]\nmode = \"jwt\"\n";
        assert!(refused(jwt, &[]).contains("auth.keys_dir must name"));
        let keys = ("ROLLCALL_AUTH__KEYS_DIR", "/etc/rollcall/keys");
        let id = "a".repeat(32);
        let one = ("ROLLCALL_AUTH__SUPERDUPER_ACCOUNTS", id.as_str());
        assert_eq!(
            load(jwt, &[keys, one])
                .unwrap()
                .auth
                .superduper_accounts
                .len(),
            1
        );
        let bad = ("ROLLCALL_AUTH__SUPERDUPER_ACCOUNTS", "root");
        assert!(refused(jwt, &[keys, bad]).contains("auth.superduper_accounts"));
    }
}
