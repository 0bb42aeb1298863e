//! `[http]`: the HTTP server.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use super::{MIB, narrow, reader::Reader};

/// `[http]`
#[derive(Debug)]
pub struct Http {
    /// Address to listen on.
    pub bind: IpAddr,
    /// Port to listen on; 0 takes any that is free.
    pub port: u16,
    /// Worker threads.
    pub workers: usize,
    /// The most bytes a request's body may have.
    pub max_body_bytes: usize,
    /// How long a client may take to send its headers.
    pub request_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// The most connections at once, per worker.
    pub max_connections: usize,
    /// Requests a second of one address; `None` for any number.
    pub rate_limit: Option<NonZeroU32>,
    /// Certificate chain and key.
    pub tls: Option<(PathBuf, PathBuf)>,
}

impl Http {
    pub(super) fn read(r: &mut Reader) -> Self {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let bind = r.parsed("http.bind", "an IP address", any, |text| text.parse().ok());
        let port = r.number("http.port", "", 0..=65_535, 8000);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = r.number("http.workers", "threads", 1..=256, cores.min(256) as u64);
        let max_body_bytes = r.number("http.max_body_bytes", "bytes", 1..=16 * MIB, 65_536);
        let request_timeout = r.number("http.request_timeout", "seconds", 1..=300, 10);
        let keep_alive = r.number("http.keep_alive", "seconds", 0..=3600, 75);
        let max_connections =
            r.number("http.max_connections", "connections", 1..=1_000_000, 25_000);
        let rate_limit = r.number("http.rate_limit", "requests a second", 0..=1_000_000, 0);
        let tls = match (r.path("http.tls_certificate"), r.path("http.tls_key")) {
            (None, None) => None,
            (Some(chain), Some(key)) => Some((chain, key)),
            _ => {
                r.problem(
                    "http.tls_certificate and http.tls_key go together: set both, or neither",
                );
                None
            }
        };
        Self {
            bind,
            port: narrow(port, u16::MAX),
            workers: narrow(workers, usize::MAX),
            max_body_bytes: narrow(max_body_bytes, usize::MAX),
            request_timeout: Duration::from_secs(request_timeout),
            keep_alive: Duration::from_secs(keep_alive),
            max_connections: narrow(max_connections, usize::MAX),
            rate_limit: NonZeroU32::new(narrow(rate_limit, u32::MAX)),
            tls,
        }
    }
}
