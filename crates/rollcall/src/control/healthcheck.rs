//! Whether the service that this configuration describes answers: for containers and scripts.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::{
    config::{Config, Http, environment},
    serve::install_crypto,
};

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What `healthcheck` takes.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Configuration file of the service; `ROLLCALL_SECTION__KEY` variables go before it
    #[arg(long, env = "ROLLCALL_CONFIG")]
    config: Option<PathBuf>,
    /// Whether it is ready (/readyz), not only alive (/healthz)
    #[arg(long)]
    ready: bool,
}

impl HealthcheckArgs {
    /// `rollcall healthcheck`
    pub async fn run(self) -> anyhow::Result<()> {
        let config = Config::load(self.config.as_deref(), environment())?;
        let url = url(&config.http, self.ready)?;
        install_crypto();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            // It is this machine that is asked, by its address: no certificate names that.
            .tls_danger_accept_invalid_certs(true)
            .build()
            .context("cannot make an HTTP client")?;
        let answer = client.get(&url).send().await;
        let answer =
            answer.with_context(|| format!("no answer from {url}: is rollcall running?"))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = answer.text().await.unwrap_or_default();
        bail!("{url} answers {status}: {said}")
    }
}

fn url(http: &Http, ready: bool) -> anyhow::Result<String> {
    if http.port == 0 {
        bail!("http.port is 0, so that any port may be taken: it cannot be known which; set one");
    }
    let address = match http.bind {
        IpAddr::V4(any) if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    let path = if ready { "readyz" } else { "healthz" };
    let at = std::net::SocketAddr::new(address, http.port);
    Ok(format!("{scheme}://{at}/{path}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn asked(text: &str) -> anyhow::Result<String> {
        let all = format!("[auth]\ntokens_file = \"/t\"\n[http]\n{text}");
        let config = Config::parse(Path::new("test.toml"), &all, [])?;
        url(&config.http, false)
    }

    #[test]
    fn it_asks_where_the_service_listens() {
        assert_eq!(asked("").unwrap(), "http://127.0.0.1:8000/healthz");
        assert_eq!(
            asked("bind = \"::\"\nport = 9").unwrap(),
            "http://[::1]:9/healthz"
        );
        let tls = "bind = \"192.0.2.7\"\ntls_certificate = \"/c\"\ntls_key = \"/k\"";
        assert_eq!(asked(tls).unwrap(), "https://192.0.2.7:8000/healthz");
        assert!(
            asked("port = 0")
                .unwrap_err()
                .to_string()
                .contains("http.port")
        );
    }
}
