//! A relay on TCP between rollcall and the broker, that can fail.

use std::net::Ipv4Addr;

use lab::secrets::BROKER_PASSWORD;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// What it does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passes on what comes.
    Pass,
    /// Resets those there are, and all that come.
    Reset,
    /// Keeps them, but passes nothing on.
    BlackHole,
}

/// A running relay; ends when dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    mode: watch::Sender<Mode>,
    _task: JoinSet<()>,
}

impl Relay {
    /// Starts a relay to a port of this machine.
    pub async fn start(target: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (mode, watching) = watch::channel(Mode::Pass);
        let mut task = JoinSet::new();
        task.spawn(accept(listener, target, watching));
        Ok(Self {
            port,
            mode,
            _task: task,
        })
    }

    /// The broker's URI by way of it.
    pub fn uri(&self) -> String {
        format!("amqp://guest:{BROKER_PASSWORD}@127.0.0.1:{}/%2F", self.port)
    }

    /// From now on it does this.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn accept(listener: TcpListener, target: u16, mode: watch::Receiver<Mode>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(relay(stream, target, mode.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn relay(near: TcpStream, target: u16, mut mode: watch::Receiver<Mode>) {
    // Whoever closes it, closes it by a reset if there is to be one.
    if *mode.borrow() == Mode::Reset {
        let _ = near.set_zero_linger();
        return;
    }
    // What is dialled into a black hole is not even passed on.
    let passing = mode.wait_for(|mode| *mode != Mode::BlackHole);
    if passing.await.is_err() {
        return;
    }
    let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
        let _ = near.set_zero_linger();
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let mut directions = JoinSet::new();
    directions.spawn(pass(near_in, far_out, mode.clone()));
    directions.spawn(pass(far_in, near_out, mode.clone()));
    let _ = directions.join_next().await;
    if *mode.borrow() == Mode::Reset {
        // Each resets the side that it writes to.
        let _ = directions.join_next().await;
    }
}

async fn reset(mut mode: watch::Receiver<Mode>) {
    let _ = mode.wait_for(|mode| *mode == Mode::Reset).await;
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16_384];
    loop {
        // A reset goes first: what it does to the one side must not end the other in good order.
        let read = tokio::select! {
            biased;
            () = reset(mode.clone()) => {
                let _ = to.as_ref().set_zero_linger();
                // Dropped, it would say goodbye before the reset.
                to.forget();
                return;
            }
            read = from.read(&mut buffer) => read,
        };
        let Ok(length @ 1..) = read else { return };
        if mode
            .wait_for(|mode| *mode != Mode::BlackHole)
            .await
            .is_err()
        {
            return;
        }
        let Some(bytes) = buffer.get(..length) else {
            return;
        };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        port
    }

    #[tokio::test]
    async fn passes_keeps_back_and_resets() {
        let relay = Relay::start(echo().await).await.unwrap();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port))
            .await
            .unwrap();
        let mut byte = [0];
        stream.write_all(b"a").await.unwrap();
        stream.read_exact(&mut byte).await.unwrap();

        relay.set(Mode::BlackHole);
        stream.write_all(b"b").await.unwrap();
        let nothing = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte));
        assert!(nothing.await.is_err());
        relay.set(Mode::Pass);
        stream.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"b");

        relay.set(Mode::Reset);
        let error = stream.read(&mut byte).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}
