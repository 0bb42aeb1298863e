//! `[http]`: the HTTP server.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use facade::ServerSettings;

use super::reader::{MIB, Reader};

/// `[http]`
#[derive(Debug)]
pub struct Http {
    /// Address to listen on.
    pub bind: IpAddr,
    /// Port to listen on; 0 takes any that is free.
    pub port: u16,
    /// Limits and sizes of the server.
    pub server: ServerSettings,
    /// Requests a second of one address; `None` for any number.
    pub rate_limit: Option<NonZeroU32>,
    /// Files of the certificate chain and its key.
    pub tls: Option<(PathBuf, PathBuf)>,
}

impl Http {
    pub(super) fn read(r: &mut Reader) -> Self {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            bind: r.parsed("http.bind", "an IP address", any, |text| text.parse().ok()),
            port: r.number("http.port", "", 0..=65_535, 8000),
            server: ServerSettings {
                workers: r.number("http.workers", "threads", 1..=256, cores.min(256)),
                max_body_bytes: r.number("http.max_body_bytes", "bytes", 1..=16 * MIB, 65_536),
                request_timeout: r.seconds("http.request_timeout", 1..=300, 10),
                keep_alive: r.seconds("http.keep_alive", 0..=3600, 75),
                max_connections: r.number(
                    "http.max_connections",
                    "connections",
                    1..=1_000_000,
                    25_000,
                ),
                // Of `[shutdown]`.
                drain_timeout: Duration::ZERO,
                certificate: None,
            },
            rate_limit: NonZeroU32::new(r.number(
                "http.rate_limit",
                "requests a second",
                0..=1_000_000,
                0,
            )),
            tls: r.paths("http.tls_certificate", "http.tls_key"),
        }
    }
}
