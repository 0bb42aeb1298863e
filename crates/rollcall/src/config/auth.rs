//! `[auth]`: who may do what.

use std::path::PathBuf;

use super::{Http, reader::Reader};

/// `auth.mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Tokens from a file of hashes.
    Static,
    /// No tokens.
    None,
}

/// `[auth]`
#[derive(Debug)]
pub struct Auth {
    /// How callers are told apart.
    pub mode: AuthMode,
    /// File of token hashes.
    pub tokens_file: Option<PathBuf>,
    /// Whether answers repeat the caller's token.
    pub echo_token: bool,
}

impl Auth {
    pub(super) fn read(r: &mut Reader, http: &Http) -> Self {
        let words = [("static", AuthMode::Static), ("none", AuthMode::None)];
        let auth = Self {
            mode: r.choice("auth.mode", words),
            tokens_file: r.path("auth.tokens_file"),
            echo_token: r.flag("auth.echo_token", true),
        };
        let beyond_loopback = r.flag("auth.allow_none_beyond_loopback", false);
        if auth.mode == AuthMode::Static && auth.tokens_file.is_none() {
            r.problem(
                "auth.mode = \"static\": auth.tokens_file must name the file of token hashes"
                    .into(),
            );
        }
        if auth.mode == AuthMode::None && !http.bind.is_loopback() && !beyond_loopback {
            r.problem(format!(
                "auth.mode = \"none\" with http.bind = \"{}\": anyone who reaches this address could flush every \
                 phone; set http.bind = \"127.0.0.1\", or auth.allow_none_beyond_loopback = true",
                http.bind
            ));
        }
        auth
    }
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
        assert!(
            refused("", &[("ROLLCALL_AUTH__MODE", "trust")]).contains("\"static\" or \"none\"")
        );
    }

    #[test]
    fn static_tokens_need_their_file() {
        assert!(refused("", &[]).contains("auth.tokens_file"));
        assert!(load("[auth]\ntokens_file = \"tokens.toml\"", &[]).is_ok());
    }
}
