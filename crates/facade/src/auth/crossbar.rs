//! Asks Crossbar, with the caller's own token, what the caller may do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use moka::future::Cache;
use registration::AccountId;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::{
    access::{Access, Denied, Granted, Subject},
    counts::CacheCounts,
    restrictions::{of_verified, permits},
    token::Token,
};

const MAX_KEPT: u64 = 100_000;
/// An account is a few kilobytes.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Kazoo's have about one kilobyte.
const MAX_TOKEN_BYTES: usize = 16_384;

/// How Crossbar is asked.
#[derive(Clone, Debug)]
pub struct CrossbarSettings {
    /// Its base URL, `http://host:8000`.
    pub url: String,
    /// The path that only those may GET who may see all accounts.
    pub system_path: String,
    /// How long an answer is good for.
    pub keep: Duration,
}

/// A token by its digest, and what was asked for it: never the token itself.
type Question = ([u8; 32], Subject);

/// Checks tokens by asking Crossbar.
pub struct CrossbarAuth {
    settings: Arc<CrossbarSettings>,
    client: reqwest::Client,
    known: Cache<Question, Result<Granted, Denied>>,
    counts: CacheCounts,
}

#[derive(Deserialize)]
struct Answer {
    data: Account,
}

#[derive(Deserialize)]
struct Account {
    id: Option<String>,
    realm: Option<String>,
}

impl CrossbarAuth {
    /// Asks by this client, which must not follow redirects: the token goes to Crossbar and nowhere
    /// else.
    pub fn new(settings: CrossbarSettings, client: reqwest::Client) -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(settings.keep)
                .build(),
            settings: Arc::new(settings),
            counts: CacheCounts::default(),
            client,
        }
    }

    pub(super) fn cache(&self) -> CacheCounts {
        self.counts.clone()
    }

    pub(super) async fn check(
        &self,
        token: &Token<'_>,
        access: Access<'_>,
    ) -> Result<Granted, Denied> {
        let digest = token.digest();
        let token = token.text();
        let is_text = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.len() > MAX_TOKEN_BYTES || !is_text {
            return Err(Denied::NoCredentials);
        }
        let question = (digest, access.subject.clone());
        let (settings, client) = (Arc::clone(&self.settings), self.client.clone());
        let asked = AtomicBool::new(false);
        let asking = async {
            asked.store(true, Ordering::Relaxed);
            ask(&settings, &client, token, access.subject).await
        };
        // Equal questions are put once; only what was answered is remembered.
        let answer = self.known.try_get_with(question, asking).await;
        self.counts.count(asked.into_inner());
        let granted = answer.map_err(|unreachable| (*unreachable).clone())??;
        match of_verified(token) {
            Some((own, restrictions)) if !permits(&restrictions, &own, access) => {
                Err(Denied::NoRight)
            }
            _ => Ok(granted),
        }
    }
}

/// The outer error is that Crossbar cannot be asked, the inner one its verdict.
async fn ask(
    settings: &CrossbarSettings,
    client: &reqwest::Client,
    token: &str,
    subject: &Subject,
) -> Result<Result<Granted, Denied>, Denied> {
    let base = settings.url.trim_end_matches('/');
    let url = match subject {
        Subject::Account(account) => format!("{base}/v2/accounts/{account}"),
        Subject::System => format!("{base}{}", settings.system_path),
    };
    let unreachable = |detail: String| Denied::Unreachable(format!("Crossbar: {detail}"));
    let sent = client.get(url).header("X-Auth-Token", token).send().await;
    let response = sent.map_err(|error| unreachable(error.without_url().to_string()))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Ok(Err(Denied::NoCredentials)),
        StatusCode::FORBIDDEN => return Ok(Err(Denied::NoRight)),
        StatusCode::NOT_FOUND => return Ok(Err(Denied::NoSuchAccount)),
        status => return Err(unreachable(format!("answered {status}"))),
    }
    let Subject::Account(account) = subject else {
        return Ok(Ok(Granted::default()));
    };
    let body = body(response, MAX_BODY_BYTES).await.map_err(unreachable)?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| unreachable("answered 200 without an account".to_owned()))?;
    let id = answer.data.id.as_deref().map(AccountId::parse);
    if id.is_some_and(|id| id.ok().as_ref() != Some(account)) {
        return Err(unreachable("answered with another account".to_owned()));
    }
    let realm = answer
        .data
        .realm
        .filter(|realm| registration::check_flushable(realm).is_ok());
    Ok(Ok(Granted { realm }))
}

/// A response's body, if it is not too large.
pub(super) async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| error.without_url().to_string())? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > limit {
            return Err(format!("answered with more than {limit} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
}
