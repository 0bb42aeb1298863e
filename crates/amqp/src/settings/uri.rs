//! URIs of brokers, where lapin's parser needs help.

use std::net::Ipv6Addr;

use lapin::uri::AMQPUri;

/// The longest text that fits in AMQP's "short string".
const MAX_SHORT_STRING_BYTES: usize = 255;

/// Parses a URI; `None` instead of the parser's error, which may repeat the URI with its password.
pub(crate) fn parse(text: &str) -> Option<AMQPUri> {
    let mut uri: AMQPUri = text.parse().ok()?;
    if uri.vhost.len() > MAX_SHORT_STRING_BYTES {
        // lapin would panic.
        return None;
    }
    if let Some(address) = ipv6_host(text) {
        // The parser drops an address in brackets, and connects to localhost.
        address.parse::<Ipv6Addr>().ok()?;
        address.clone_into(&mut uri.authority.host);
    }
    Some(uri)
}

/// The address between the brackets of `amqp://user:password@[2001:db8::1]:5672/vhost`.
fn ipv6_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let (address, _) = host.strip_prefix('[')?.split_once(']')?;
    Some(address)
}

/// A URI for logs: without its password and query.
pub(crate) fn redacted(uri: &AMQPUri) -> String {
    let authority = &uri.authority;
    let host = if authority.host.contains(':') {
        format!("[{}]", authority.host)
    } else {
        authority.host.clone()
    };
    format!(
        "{}://{}:***@{host}:{}/{}",
        uri.scheme, authority.userinfo.username, authority.port, uri.vhost
    )
}
