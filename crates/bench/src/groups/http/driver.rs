//! A client that keeps some connections busy: each asks for the next path as soon as it has its answer.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    os::fd::AsFd as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// No answer takes longer.
const PATIENCE: u16 = 10_000;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Connections to a server.
pub(super) struct Driver {
    connections: Vec<Connection>,
    buffer: Vec<u8>,
}

/// What some requests took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Took {
    /// From the first request to the last answer.
    pub(super) time: Duration,
    /// Bytes of all bodies together.
    pub(super) body: usize,
}

struct Connection {
    stream: TcpStream,
    /// The start of an answer, until its head is whole.
    head: Vec<u8>,
    /// What of an answer is still to come.
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rest {
    /// Nothing: no request is under way.
    Nothing,
    Head,
    Body(usize),
    /// Chunks, of which the last bytes were these.
    Chunks([u8; 5]),
}

impl Driver {
    pub(super) fn connect(port: u16, connections: usize) -> anyhow::Result<Self> {
        let connect = |_| {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            anyhow::Ok(Connection {
                stream,
                head: Vec::new(),
                rest: Rest::Nothing,
            })
        };
        Ok(Self {
            connections: (0..connections).map(connect).collect::<Result<_, _>>()?,
            buffer: vec![0; 1 << 18],
        })
    }

    /// Sends requests over all connections, until all are answered.
    pub(super) fn ask(&mut self, requests: &[Vec<u8>]) -> anyhow::Result<Took> {
        let (mut requests, mut under_way, mut body) = (requests.iter(), 0, 0);
        let begun = Instant::now();
        for (connection, request) in self.connections.iter_mut().zip(&mut requests) {
            connection.send(request)?;
            under_way += 1;
        }
        while under_way > 0 {
            for at in self.ready()? {
                let Some(connection) = self.connections.get_mut(at) else {
                    continue;
                };
                body += connection.receive(&mut self.buffer)?;
                if connection.rest == Rest::Nothing {
                    match requests.next() {
                        Some(request) => connection.send(request)?,
                        None => under_way -= 1,
                    }
                }
            }
        }
        let time = begun.elapsed();
        Ok(Took { time, body })
    }

    /// Connections with something to read.
    fn ready(&self) -> anyhow::Result<Vec<usize>> {
        let waiting = |connection: &&Connection| connection.rest != Rest::Nothing;
        let numbered = self.connections.iter().enumerate();
        let (numbers, mut polled): (Vec<_>, Vec<_>) = numbered
            .filter(|(_, connection)| waiting(connection))
            .map(|(at, connection)| {
                let fd = connection.stream.as_fd();
                (at, PollFd::new(fd, PollFlags::POLLIN))
            })
            .unzip();
        let count = poll(&mut polled, PollTimeout::from(PATIENCE))?;
        ensure!(count > 0, "no answer within {PATIENCE} ms");
        let ready = numbers.into_iter().zip(polled);
        let ready = ready.filter(|(_, polled)| polled.any() == Some(true));
        Ok(ready.map(|(at, _)| at).collect())
    }
}

impl Connection {
    fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request)?;
        self.head.clear();
        self.rest = Rest::Head;
        Ok(())
    }

    /// Reads what is there; how many bytes of a body.
    fn receive(&mut self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        let length = match self.stream.read(buffer) {
            Ok(0) => bail!("the server hung up"),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let read = buffer.get(..length).unwrap_or_default();
        if self.rest != Rest::Head {
            self.body(read)?;
            return Ok(read.len());
        }
        self.head.extend_from_slice(read);
        let Some(end) = self.head.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(0);
        };
        let body = self.head.split_off(end + 4);
        let head = std::str::from_utf8(&self.head)?.to_ascii_lowercase();
        ensure!(head.starts_with("http/1.1 200"), "{head}");
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        self.rest = if let Some(length) = field("content-length: ") {
            Rest::Body(length.trim().parse()?)
        } else {
            field("transfer-encoding: chunked").context("a body of unknown length")?;
            Rest::Chunks([0; 5])
        };
        self.body(&body)?;
        Ok(body.len())
    }

    fn body(&mut self, read: &[u8]) -> anyhow::Result<()> {
        self.rest = match self.rest {
            Rest::Body(left) => match left.checked_sub(read.len()) {
                Some(0) => Rest::Nothing,
                Some(left) => Rest::Body(left),
                None => bail!("more than the answer came"),
            },
            Rest::Chunks(mut last) => {
                for byte in read.iter().skip(read.len().saturating_sub(last.len())) {
                    last.rotate_left(1);
                    last[4] = *byte;
                }
                if last == LAST_CHUNK {
                    Rest::Nothing
                } else {
                    Rest::Chunks(last)
                }
            }
            Rest::Nothing | Rest::Head => bail!("an answer that was not asked for"),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answers_of_both_kinds_are_read_to_their_end() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            ] {
                stream.read_exact(&mut [0; 4]).unwrap();
                for part in answer.as_bytes().chunks(7) {
                    stream.write_all(part).unwrap();
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        });
        let mut driver = Driver::connect(port, 1).unwrap();
        let requests = ["ask1", "ask2"].map(|request| request.as_bytes().to_vec());
        assert_eq!(driver.ask(&requests).unwrap().body, 5 + 12);
        server.join().unwrap();
        assert!(driver.ask(&requests).is_err());
    }
}
