//! Ports that are free at the moment of asking.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
};

/// A TCP port on 127.0.0.1 that nobody listens on.
pub fn free_tcp() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// A port on 127.0.0.1 that is free for UDP and TCP alike, as SIP wants it.
pub fn free_sip() -> io::Result<u16> {
    for _ in 0..50 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = udp.local_addr()?.port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("no port is free for both UDP and TCP"))
}
