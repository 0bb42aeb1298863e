//! The slow ones.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use lab::rollcall::TOKEN;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    runtime::Builder,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

/// What is done once a second.
const TICK: Duration = Duration::from_secs(1);
/// All are there after so long: it is their slowness that is tried, not their coming all at once.
pub(super) const RAMP: Duration = Duration::from_secs(20);
/// Small, for the answer to stay where it is.
const WINDOW: u32 = 4096;

/// How a client is slow.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Sends its request a byte a second.
    Sends,
    /// Reads its answer a byte a second.
    Reads,
    /// Follows changes where there are none.
    Follows,
}

/// Where they go.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) port: u16,
    /// Path of a list much longer than a window.
    pub(super) list: String,
    /// Path of changes.
    pub(super) events: String,
}

/// How many are connected just now.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) sending: AtomicU32,
    pub(super) reading: AtomicU32,
    pub(super) following: AtomicU32,
    /// Times that a connection ended and was made anew.
    pub(super) again: AtomicU32,
}

impl Present {
    fn of(&self, manner: Manner) -> &AtomicU32 {
        match manner {
            Manner::Sends => &self.sending,
            Manner::Reads => &self.reading,
            Manner::Follows => &self.following,
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> u32 {
        let counts = [&self.sending, &self.reading, &self.following];
        counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

/// All of them, on a thread of their own; gone when dropped.
pub(super) struct Crowd {
    pub(super) present: Arc<Present>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Crowd {
    /// They come over [`RAMP`].
    pub(super) fn gather(place: Place, clients: u32, readers: u32) -> anyhow::Result<Self> {
        let present = Arc::<Present>::default();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let counted = Arc::clone(&present);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut all = JoinSet::new();
                let count = clients + readers;
                for number in 0..count {
                    let manner = match number {
                        n if n >= clients => Manner::Follows,
                        n if n.is_multiple_of(2) => Manner::Sends,
                        _ => Manner::Reads,
                    };
                    // Never all within the same moment.
                    let wait = RAMP * number / count.max(1);
                    let (place, present) = (place.clone(), Arc::clone(&counted));
                    all.spawn(async move {
                        sleep(wait).await;
                        linger(&place, manner, &present).await;
                    });
                }
                // Either way it is over.
                let _ = stopped.await;
            });
        });
        Ok(Self {
            present,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

/// Is there for as long as the task lives, one connection after the other.
async fn linger(place: &Place, manner: Manner, present: &Present) {
    loop {
        if let Ok(stream) = connect(place.port).await {
            present.of(manner).fetch_add(1, Ordering::Relaxed);
            // Sooner or later rollcall has had enough of it.
            let _ = match manner {
                Manner::Sends => send(stream, place).await,
                Manner::Reads => read(stream, &place.list, 1).await,
                Manner::Follows => read(stream, &place.events, 4096).await,
            };
            present.of(manner).fetch_sub(1, Ordering::Relaxed);
            present.again.fetch_add(1, Ordering::Relaxed);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(WINDOW)?;
    let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {TOKEN}\r\n\r\n")
}

async fn send(mut stream: TcpStream, place: &Place) -> io::Result<()> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answer = [0; 512];
    for byte in request(&place.list).bytes() {
        ticks.tick().await;
        stream.write_all(&[byte]).await?;
        match stream.try_read(&mut answer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // It has been refused.
            _ => return Ok(()),
        }
    }
    Ok(())
}

async fn read(mut stream: TcpStream, path: &str, at_once: usize) -> io::Result<()> {
    stream.write_all(request(path).as_bytes()).await?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut piece = vec![0; at_once];
    loop {
        stream.readable().await?;
        ticks.tick().await;
        match stream.try_read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
