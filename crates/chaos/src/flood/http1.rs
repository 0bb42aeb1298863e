//! As much of HTTP/1.1 as it takes to send what no client library would, and to read the answer.

use std::{io, net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Enough of an answer to garbage.
const ENOUGH: usize = 1 << 20;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body, as it came; empty where that has no end.
    pub body: Vec<u8>,
    /// Whether nothing more can be asked here.
    pub closes: bool,
}

/// A connection.
pub struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    /// Connects to a port of 127.0.0.1 from an address of the loopback network.
    pub async fn open(port: u16, from: Ipv4Addr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    /// Sends a request, and reads its answer.
    pub async fn ask(&mut self, request: &[u8], is_head: bool) -> io::Result<Answer> {
        let asking = async {
            // A refusal may come, and the connection go, before all is sent.
            let sent = self.stream.write_all(request).await;
            match self.answer(is_head).await {
                Err(error) => Err(sent.err().unwrap_or(error)),
                answered => answered,
            }
        };
        timeout(PATIENCE, asking).await?
    }

    async fn answer(&mut self, is_head: bool) -> io::Result<Answer> {
        loop {
            let end = self.until(0, b"\r\n\r\n").await?;
            let head: Vec<u8> = self.read.drain(..end).collect();
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            let status = status(&head).ok_or(io::ErrorKind::InvalidData)?;
            if status < 200 {
                continue;
            }
            let mut answer = Answer {
                status,
                closes: header(&head, "connection") == Some("close"),
                ..Answer::default()
            };
            if is_head || status == 204 || status == 304 {
                return Ok(answer);
            }
            if header(&head, "transfer-encoding") == Some("chunked") {
                if header(&head, "content-type") == Some("text/event-stream") {
                    answer.closes = true;
                    return Ok(answer);
                }
                answer.body = self.chunks().await?;
            } else if let Some(length) = header(&head, "content-length") {
                let length = length.parse().map_err(|_| io::ErrorKind::InvalidData)?;
                self.fill(length).await?;
                answer.body = self.read.drain(..length).collect();
            } else {
                answer.closes = true;
            }
            return Ok(answer);
        }
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.until(0, b"\r\n").await?;
            let line: Vec<u8> = self.read.drain(..end).collect();
            let line = String::from_utf8_lossy(&line);
            let length = usize::from_str_radix(line.trim(), 16);
            let length = length.map_err(|_| io::ErrorKind::InvalidData)?;
            self.fill(length + 2).await?;
            body.extend(self.read.drain(..length));
            self.read.drain(..2);
            if length == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads until `mark` is there; where it ends.
    async fn until(&mut self, from: usize, mark: &[u8]) -> io::Result<usize> {
        let mut looked = from;
        loop {
            let rest = self.read.get(looked..).unwrap_or_default();
            if let Some(at) = rest.windows(mark.len()).position(|bytes| bytes == mark) {
                return Ok(looked + at + mark.len());
            }
            looked = self.read.len().saturating_sub(mark.len());
            self.more().await?;
        }
    }

    async fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.read.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends whatever it is, says that nothing more comes, and reads what is answered until the
    /// other end hangs up or has nothing more to say; the status of each answer.
    pub async fn throw(mut self, garbage: &[u8], patience: Duration) -> Vec<u16> {
        // However far it gets.
        let throwing = async {
            let _ = self.stream.write_all(garbage).await;
            let _ = self.stream.shutdown().await;
            while self.read.len() < ENOUGH && self.more().await.is_ok() {}
        };
        let _ = timeout(patience, throwing).await;
        statuses(&self.read)
    }
}

fn status(head: &str) -> Option<u16> {
    let rest = head.strip_prefix("http/1.")?;
    rest.split(' ').nth(1)?.trim().parse().ok()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key == name).then_some(value.trim())
    })
}

/// The status of every answer in what came back. No answer of rollcall's says such a line itself.
fn statuses(read: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(read);
    let lines = text.split("HTTP/1.1 ").skip(1);
    lines
        .filter_map(|rest| rest.split(' ').next()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn against(answer: &'static [u8]) -> Line {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Line::open(port, Ipv4Addr::new(127, 9, 9, 9)).await.unwrap();
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.ip(), Ipv4Addr::new(127, 9, 9, 9));
        stream.write_all(answer).await.unwrap();
        line
    }

    #[tokio::test]
    async fn answers_are_read_to_their_end_and_no_further() {
        let two = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\
            HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
            HTTP/1.1 405 No\r\nContent-Length: 9\r\nConnection: close\r\n\r\n";
        let mut line = against(two).await;
        let mut said = Vec::new();
        for is_head in [false, false, true] {
            let answer = line.ask(b"GET / HTTP/1.1\r\n\r\n", is_head).await.unwrap();
            said.push((answer.status, answer.body, answer.closes));
        }
        let wanted = [
            (200, b"hi".to_vec(), false),
            (404, b"abc".to_vec(), false),
            (405, Vec::new(), true),
        ];
        assert_eq!(said, wanted);
        assert!(line.ask(b"x", false).await.is_err());
    }

    #[tokio::test]
    async fn whatever_is_thrown_every_answer_is_seen() {
        let line = against(b"HTTP/1.1 400 Bad\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n").await;
        let seen = line.throw(b"\0\0", PATIENCE).await;
        assert_eq!(seen, [400, 500]);
    }
}
