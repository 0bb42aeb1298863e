//! `[metrics]`, `[admin]`: what operators reach beside the API.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use super::{narrow, reader::Reader};

/// `[metrics]`
#[derive(Debug)]
pub struct Metrics {
    /// Where metrics are served without a token; `None` for nowhere.
    pub listen: Option<SocketAddr>,
}

impl Metrics {
    pub(super) fn read(r: &mut Reader) -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let bind = r.parsed("metrics.bind", "an IP address", loopback, |text| {
            text.parse().ok()
        });
        let port: u16 = narrow(r.number("metrics.port", "", 0..=65_535, 0), u16::MAX);
        Self {
            listen: (port != 0).then(|| SocketAddr::new(bind, port)),
        }
    }
}

/// `[admin]`
#[derive(Debug)]
pub struct Admin {
    /// The Unix socket that takes orders without a token; `None` for none.
    pub socket: Option<PathBuf>,
    /// Its file mode: who may open it may order.
    pub mode: u32,
}

/// What everybody may do with the socket's file is never granted.
const MAX_MODE: u32 = 0o770;

impl Admin {
    pub(super) fn read(r: &mut Reader) -> Self {
        let takes = "an octal file mode up to \"0770\", as text";
        let mode = r.optional("admin.mode", takes, "0660", |text| {
            let mode = u32::from_str_radix(text, 8).ok();
            mode.filter(|mode| mode & !MAX_MODE == 0)
        });
        Self {
            socket: r.path("admin.socket"),
            mode: mode.unwrap_or(0o660),
        }
    }
}
