//! Talking to the service: over its Unix socket, or HTTP with a token.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use reqwest::{Method, Response, StatusCode, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::exit::{Code, Failure};
use crate::serve::install_crypto;

const TOKEN: &str = "ROLLCALL_TOKEN";
const CONNECTING: Duration = Duration::from_secs(5);
/// The service writes something at least every 15 seconds; a sync takes up to 60.
const SILENCE: Duration = Duration::from_secs(90);
/// The longest line that the service sends.
const MAX_LINE: usize = 1 << 20;

/// Which service is talked to, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "The service")]
pub(super) struct Service {
    /// Its Unix socket (setting admin.socket); needs no token
    #[arg(
        long,
        env = "ROLLCALL_SOCKET",
        default_value = "/run/rollcall/admin.sock"
    )]
    socket: PathBuf,
    /// Talk HTTP instead, with the token of --token-file or of the variable `ROLLCALL_TOKEN`; goes
    /// before --socket
    #[arg(long, env = "ROLLCALL_URL")]
    url: Option<String>,
    /// File whose first line is the token
    #[arg(long, env = "ROLLCALL_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A connection to the service.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    /// As errors name it.
    place: String,
    over_socket: bool,
    token: Option<String>,
}

/// What errors of the service hold.
#[derive(Deserialize)]
struct Refusal {
    data: Value,
}

impl Client {
    pub(super) fn new(service: &Service) -> anyhow::Result<Self> {
        install_crypto();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECTING)
            .read_timeout(SILENCE)
            // The token must not follow a redirect.
            .redirect(redirect::Policy::none());
        let (http, base, place, token) = match &service.url {
            Some(url) => {
                let base = url.trim_end_matches('/').to_owned();
                let token = token(service.token_file.as_deref())?;
                (http, base.clone(), base, token)
            }
            None => (
                http.unix_socket(service.socket.clone()),
                "http://rollcall".to_owned(),
                service.socket.display().to_string(),
                None,
            ),
        };
        Ok(Self {
            http: http.build().context("cannot make an HTTP client")?,
            base,
            place,
            over_socket: service.url.is_none(),
            token,
        })
    }

    /// Sends a request; an answer other than a success is an error.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<Response> {
        let url = reqwest::Url::parse_with_params(&format!("{}{path}", self.base), query);
        let url = url
            .with_context(|| format!("{} is not a URL: give --url http://HOST:PORT", self.base))?;
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.header("X-Auth-Token", token);
        }
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    /// Requests JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        let response = self.call(method, path, query).await?;
        let body = response
            .bytes()
            .await
            .map_err(|error| self.failed(&error))?;
        serde_json::from_slice(&body)
            .with_context(|| format!("{} does not answer as rollcall does", self.place))
    }

    /// Requests lines.
    pub(super) async fn lines(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<Lines<'_>> {
        let response = self.call(Method::GET, path, query).await?;
        let total = response.headers().get("X-Total-Count");
        let total = total.and_then(|total| total.to_str().ok()?.parse().ok());
        Ok(Lines {
            client: self,
            response,
            buffer: Vec::new(),
            given: 0,
            total,
        })
    }

    fn failed(&self, error: &reqwest::Error) -> anyhow::Error {
        let place = &self.place;
        let failed = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        match failed.map(io::Error::kind) {
            Some(io::ErrorKind::PermissionDenied) => Failure::of(
                Code::NotAllowed,
                format!(
                    "may not open {place}: run this as root or as a user of the socket's group"
                ),
            ),
            Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
                if self.over_socket =>
            {
                Failure::of(
                    Code::Unreachable,
                    format!(
                        "no rollcall listens on {place}: is it running, with admin.socket set? Name \
                         another socket with --socket, or a service with --url"
                    ),
                )
            }
            _ => {
                let root = causes(error)
                    .last()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                Failure::of(
                    Code::Unreachable,
                    format!(
                        "{place} cannot be reached, or broke off: {root}: is the service running there?"
                    ),
                )
            }
        }
    }

    async fn refused(&self, response: Response) -> anyhow::Error {
        let status = response.status();
        let refusal = response.json::<Refusal>().await.ok();
        let said = refusal.as_ref().map(|refusal| &refusal.data);
        let text = |key| said.and_then(|data| data.get(key)?.as_str().filter(|s| !s.is_empty()));
        let message = text("message").unwrap_or("no reason given");
        let cause = text("cause").map_or_else(String::new, |cause| format!(" ({cause})"));
        let place = &self.place;
        let (code, message) = match status {
            StatusCode::UNAUTHORIZED => (
                Code::NotAllowed,
                format!("{place} does not know the token: set {TOKEN} or --token-file"),
            ),
            StatusCode::FORBIDDEN => (
                Code::NotAllowed,
                "the token may not do this: it needs all accounts, and to flush the right to write"
                    .into(),
            ),
            StatusCode::NOT_FOUND if cause.is_empty() => (
                Code::Failed,
                format!("{place} has no such path: is it a rollcall, and as new as this?"),
            ),
            StatusCode::NOT_FOUND => (Code::NotFound, format!("{message}{cause}")),
            _ => (Code::Failed, format!("{message}{cause} (status {status})")),
        };
        Failure::of(code, message)
    }
}

/// From the file, else from the environment; never from the command line, which every process can see.
fn token(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else {
        return Ok(std::env::var(TOKEN).ok().filter(|token| !token.is_empty()));
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the token file {}", file.display()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    anyhow::ensure!(
        !token.is_empty(),
        "the token file {} is empty: put the token in its first line",
        file.display()
    );
    Ok(Some(token.to_owned()))
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Lines of an answer, as they come.
pub(super) struct Lines<'a> {
    client: &'a Client,
    response: Response,
    buffer: Vec<u8>,
    /// How much of the buffer has been given out.
    given: usize,
    /// How many there will be, if that was said.
    pub(super) total: Option<u64>,
}

impl Lines<'_> {
    /// The next line that is not empty; `None` at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            let left = self.buffer.get(self.given..).unwrap_or_default();
            if let Some(length) = left.iter().position(|byte| *byte == b'\n') {
                self.given += length + 1;
                match left.get(..length) {
                    Some(line) if !line.is_empty() => return Ok(Some(line.to_vec())),
                    _ => continue,
                }
            }
            self.buffer.drain(..self.given);
            self.given = 0;
            if self.buffer.len() > MAX_LINE {
                return Err(Failure::of(
                    Code::Failed,
                    format!("{} does not answer as rollcall does", self.client.place),
                ));
            }
            let chunk = self.response.chunk().await;
            match chunk.map_err(|error| self.client.failed(&error))? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}
