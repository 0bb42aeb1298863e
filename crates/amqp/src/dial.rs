//! Connecting so that it can be given up: lapin keeps a thread and a socket for every broker that
//! accepts a connection and then says nothing, for as long as that broker is silent.

use std::{
    io,
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lapin::{
    Connection, ConnectionProperties,
    tcp::{AMQPUriTcpExt as _, AsyncTcpStream, TLSConfig},
    uri::{AMQPScheme, AMQPUri},
};
use secrecy::ExposeSecret as _;

use crate::settings::Access;

/// Where a connection's socket is to be found.
#[derive(Default)]
enum Socket {
    #[default]
    Dialing,
    Open(TcpStream),
    GivenUp,
}

/// Cuts the connection when it is dropped, whatever state lapin thinks it is in.
#[derive(Default)]
pub(crate) struct HangUp(Arc<Mutex<Socket>>);

impl Drop for HangUp {
    fn drop(&mut self) {
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Socket::Open(open) = &*socket {
            // An error means that it is closed already.
            let _ = open.shutdown(Shutdown::Both);
        }
        *socket = Socket::GivenUp;
    }
}

/// How to connect to one of a zone's brokers.
pub(crate) struct Dialer {
    pub(crate) uri: AMQPUri,
    pub(crate) access: Access,
    /// Name of this node.
    pub(crate) node: String,
    /// How long it may take.
    pub(crate) limit: Duration,
}

impl Dialer {
    /// Connects. To be dropped when it takes too long, which leaves nothing behind after the limit.
    pub(crate) async fn dial(&self, purpose: &str) -> lapin::Result<(Connection, HangUp)> {
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
        let hang_up = HangUp::default();
        let socket = Arc::clone(&hang_up.0);
        let runtime = lapin::runtime::default_runtime()?;
        let (dialing, limit) = (runtime.clone(), self.limit);
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
                    keep(&socket, open.into())?;
                }
                match &connector {
                    None => Ok(stream),
                    Some(tls) => stream.into_rustls(tls, &uri.authority.host).await,
                }
            };
            let opened = tokio::time::timeout(limit, opening).await;
            let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            opened.map_err(lapin::Error::from)
        };
        let connection = Connection::connector(uri, runtime, connect, properties).await?;
        Ok((connection, hang_up))
    }
}

fn keep(socket: &Mutex<Socket>, open: TcpStream) -> io::Result<()> {
    let mut socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*socket, Socket::GivenUp) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    *socket = Socket::Open(open);
    Ok(())
}
