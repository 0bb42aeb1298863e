//! Ports that are free at the moment of asking.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
};

use uuid::Uuid;

/// Below what Linux gives to outgoing connections: one of these might take a port before its server
/// listens on it.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;
const TRIES: u32 = 200;

/// A TCP port on 127.0.0.1 that nobody listens on.
pub fn free_tcp() -> io::Result<u16> {
    free(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
}

/// A port on 127.0.0.1 that is free for UDP and TCP alike, as SIP wants it.
pub fn free_sip() -> io::Result<u16> {
    free(|port| {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    })
}

/// Drawn by lot: others look for ports at the same time.
fn free(is_free: impl Fn(u16) -> bool) -> io::Result<u16> {
    for _ in 0..TRIES {
        let [high, low, ..] = Uuid::new_v4().into_bytes();
        let port = FIRST + u16::from_be_bytes([high, low]) % COUNT;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(io::Error::other(format!("none of {TRIES} ports is free")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_not_free() {
        let port = free_sip().unwrap();
        assert!((FIRST..FIRST + COUNT).contains(&port));
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(
            free(|one| one == port && TcpListener::bind((Ipv4Addr::LOCALHOST, one)).is_ok())
                .is_err()
        );
    }
}
