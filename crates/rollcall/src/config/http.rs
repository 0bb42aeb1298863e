//! `[http]`: the HTTP server.

use std::{
    net::{IpAddr, Ipv4Addr},
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
        Self {
            bind,
            port: narrow(port, u16::MAX),
            workers: narrow(workers, usize::MAX),
            max_body_bytes: narrow(max_body_bytes, usize::MAX),
            request_timeout: Duration::from_secs(request_timeout),
            keep_alive: Duration::from_secs(keep_alive),
            max_connections: narrow(max_connections, usize::MAX),
        }
    }
}
