//! The public keys of Kazoo's tokens, by their id.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::DecodingKey;
use moka::future::Cache;
use reqwest::{StatusCode, header};

use super::counts::CacheCounts;

/// How long a key, or its absence, is remembered.
const KEEP: Duration = Duration::from_mins(1);
const MAX_KEPT: u64 = 1000;
const MAX_KEY_BYTES: usize = 65_536;
const MAX_ID_BYTES: usize = 128;

/// Where keys come from.
enum Source {
    /// A folder of `<kid>.pem`.
    Folder(PathBuf),
    /// Crossbar's `/v2/auth/keys/<kid>`.
    Crossbar {
        base: String,
        client: reqwest::Client,
    },
}

/// Keys by id, each looked up once at a time and remembered for a minute.
pub struct Keys {
    source: Arc<Source>,
    known: Cache<String, Option<Arc<DecodingKey>>>,
    counts: CacheCounts,
}

impl Keys {
    /// Keys in a folder, each a PEM file of its id's name: `<kid>.pem`.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self::from(Source::Folder(folder))
    }

    /// Keys that Crossbar serves, by its base URL.
    pub fn of_crossbar(base: &str, client: reqwest::Client) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self::from(Source::Crossbar { base, client })
    }

    fn from(source: Source) -> Self {
        Self {
            source: Arc::new(source),
            counts: CacheCounts::default(),
            known: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(KEEP)
                .build(),
        }
    }

    pub(super) fn cache(&self) -> CacheCounts {
        self.counts.clone()
    }

    /// The key of an id; `None` if there is none, an error if that is not known.
    pub(super) async fn get(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, String> {
        // It becomes part of a path.
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=MAX_ID_BYTES).contains(&kid.len()) || !kid.bytes().all(is_safe) {
            return Ok(None);
        }
        let source = Arc::clone(&self.source);
        let id = kid.to_owned();
        let asked = AtomicBool::new(false);
        let asking = async {
            asked.store(true, Ordering::Relaxed);
            source.load(&id).await
        };
        let known = self.known.try_get_with(kid.to_owned(), asking).await;
        self.counts.count(asked.into_inner());
        known.map_err(|error| (*error).clone())
    }
}

impl Source {
    async fn load(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, String> {
        let pem = match self {
            Self::Folder(folder) => from_folder(folder.join(format!("{kid}.pem"))).await?,
            Self::Crossbar { base, client } => from_crossbar(base, client, kid).await?,
        };
        let Some(pem) = pem else { return Ok(None) };
        DecodingKey::from_rsa_pem(&pem)
            .map(|key| Some(Arc::new(key)))
            .map_err(|error| format!("key {kid} is not an RSA public key in PEM: {error}"))
    }
}

async fn from_folder(file: PathBuf) -> Result<Option<Vec<u8>>, String> {
    let name = file.display().to_string();
    let read = tokio::task::spawn_blocking(move || std::fs::read(file)).await;
    match read.map_err(std::io::Error::other).flatten() {
        Ok(pem) => Ok(Some(pem)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {name}: {error}")),
    }
}

async fn from_crossbar(
    base: &str,
    client: &reqwest::Client,
    kid: &str,
) -> Result<Option<Vec<u8>>, String> {
    let asked = client
        .get(format!("{base}/v2/auth/keys/{kid}"))
        .header(header::ACCEPT, "application/x-pem-file")
        .send();
    let response = asked
        .await
        .map_err(|error| error.without_url().to_string())?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        status => return Err(format!("Crossbar answered {status} for a key")),
    }
    super::crossbar::body(response, MAX_KEY_BYTES)
        .await
        .map(Some)
}
