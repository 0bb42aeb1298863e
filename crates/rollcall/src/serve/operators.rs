//! What is served to operators beside the API: metrics without a token, and the Unix socket.

use std::{net::TcpListener, os::unix::net::UnixListener, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use facade::Facade;

use super::socket;
use crate::{config::Config, lifecycle::Lifecycle};

/// Listeners for operators.
pub(super) struct Operators {
    metrics: Option<TcpListener>,
    socket: Option<(PathBuf, UnixListener)>,
}

impl Operators {
    /// Listens as configured.
    pub(super) fn listen(config: &Config) -> anyhow::Result<Self> {
        let metrics = config.metrics.listen.map(|address| {
            TcpListener::bind(address)
                .with_context(|| format!("cannot listen on {address} (metrics.bind, metrics.port)"))
        });
        let socket = config.admin.socket.as_ref().map(|path| {
            let listener = socket::listen(path, config.admin.mode)?;
            anyhow::Ok((path.clone(), listener))
        });
        Ok(Self {
            metrics: metrics.transpose()?,
            socket: socket.transpose()?,
        })
    }

    /// Serves until the stop.
    pub(super) fn serve(self, lifecycle: &Lifecycle, facade: &Arc<Facade>) -> anyhow::Result<()> {
        if let Some(listener) = self.metrics {
            let server = facade::serve_metrics(facade.metrics.clone(), listener)?;
            lifecycle.serve_beside("metrics", server, || {});
        }
        if let Some((path, listener)) = self.socket {
            let server = facade::serve_admin(Arc::clone(facade), listener)?;
            tracing::info!(socket = %path.display(), "listening for operators");
            lifecycle.serve_beside("admin", server, move || drop(std::fs::remove_file(&path)));
        }
        Ok(())
    }
}
