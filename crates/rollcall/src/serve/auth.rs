//! Authentication, as configured.

use anyhow::Context as _;
use facade::auth::{
    Auth, CrossbarAuth, CrossbarSettings, JwtAuth, JwtSettings, Keys, StaticTokens,
};

use crate::config::{self, AuthMode, Config};

/// Checks tokens in the way that `auth.mode` says.
pub(crate) fn auth(config: &Config) -> anyhow::Result<Auth> {
    let auth = &config.auth;
    match auth.mode {
        AuthMode::Static => {
            let file = auth.tokens_file.as_deref();
            let file = file.context("auth.tokens_file must name the file of token hashes")?;
            Ok(Auth::Static(StaticTokens::read(file)?))
        }
        AuthMode::Crossbar => {
            let settings = CrossbarSettings {
                url: crossbar(auth)?.to_owned(),
                system_path: auth.system_path.clone(),
                keep: auth.cache_ttl,
            };
            Ok(Auth::Crossbar(CrossbarAuth::new(settings, client(auth)?)))
        }
        AuthMode::Jwt => {
            let settings = JwtSettings {
                issuer: auth.issuer.clone(),
                superduper_accounts: auth.superduper_accounts.clone(),
            };
            let keys = match &auth.keys_dir {
                Some(folder) => Keys::in_folder(folder.clone()),
                None => Keys::of_crossbar(crossbar(auth)?, client(auth)?),
            };
            Ok(Auth::Jwt(JwtAuth::new(settings, keys)))
        }
        AuthMode::None => {
            tracing::warn!(
                bind = %config.http.bind,
                "auth.mode is \"none\": anyone who reaches this address may list and flush every account"
            );
            Ok(Auth::None)
        }
    }
}

fn crossbar(auth: &config::Auth) -> anyhow::Result<&str> {
    let url = auth.crossbar_url.as_deref();
    url.context("auth.crossbar_url must be Crossbar's URL")
}

fn client(auth: &config::Auth) -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(auth.crossbar_timeout)
        // The caller's token must not follow a redirect.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot make an HTTP client")
}
