//! Opens connections that can be cut.
//!
//! lapin keeps a thread and a socket for a broker that accepts a connection and then says nothing,
//! as long as that broker is silent. So the socket is kept at hand, and shut down.

use std::{
    io,
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    sync::{Arc, OnceLock},
    time::Duration,
};

use lapin::{
    Connection, ConnectionProperties,
    tcp::{AMQPUriTcpExt as _, AsyncTcpStream, TLSConfig},
    uri::{AMQPScheme, AMQPUri},
};
use secrecy::ExposeSecret as _;

use crate::settings::Access;

/// The socket of a connection, once it is open. Shut down when dropped, in any state of the
/// connection.
#[derive(Default)]
pub(crate) struct CloseOnDrop(OnceLock<TcpStream>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if let Some(open) = self.0.get() {
            // An error means that it is closed already.
            let _ = open.shutdown(Shutdown::Both);
        }
    }
}

/// Connects to one of a zone's brokers.
pub(crate) struct Dialer {
    pub(crate) uri: AMQPUri,
    pub(crate) access: Access,
    /// Name of this node.
    pub(crate) node: String,
    /// The time limit for opening the socket.
    pub(crate) timeout: Duration,
}

impl Dialer {
    /// Connects. Dropping the future leaves nothing behind once the time limit is over.
    pub(crate) async fn dial(
        &self,
        purpose: &str,
    ) -> lapin::Result<(Connection, Arc<CloseOnDrop>)> {
        let properties = ConnectionProperties::default()
            .with_connection_name(format!("{} {purpose}", self.node).into())
            .with_client_property("product".into(), "rollcall".into())
            .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into());
        let mut uri = self.uri.clone();
        if let Some(password) = self.access.password()? {
            password
                .expose_secret()
                .clone_into(&mut uri.authority.userinfo.password);
        }
        let close_on_drop = Arc::new(CloseOnDrop::default());
        let socket = Arc::downgrade(&close_on_drop);
        let runtime = lapin::runtime::default_runtime()?;
        let (dialing, timeout) = (runtime.clone(), self.timeout);
        let connector = match uri.scheme {
            AMQPScheme::AMQP => None,
            AMQPScheme::AMQPS => Some(Arc::new(self.access.tls.connector()?)),
        };
        let connect = async move |uri: AMQPUri, _| {
            let opening = async {
                let plain = AMQPUri {
                    scheme: AMQPScheme::AMQP,
                    ..uri.clone()
                };
                let stream = plain
                    .connect_with_config_async(TLSConfig::default(), &dialing)
                    .await?;
                if let AsyncTcpStream::Plain(stream) = &stream {
                    let open = stream.get_ref().as_fd().try_clone_to_owned()?;
                    // Gone if the connection was given up meanwhile.
                    let socket = socket.upgrade().ok_or(io::ErrorKind::ConnectionAborted)?;
                    let _ = socket.0.set(open.into());
                }
                match &connector {
                    None => Ok(stream),
                    Some(tls) => stream.into_rustls(tls, &uri.authority.host).await,
                }
            };
            let opened = tokio::time::timeout(timeout, opening).await;
            let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            opened.map_err(lapin::Error::from)
        };
        let connection = Connection::connector(uri, runtime, connect, properties).await?;
        Ok((connection, close_on_drop))
    }
}
