//! Just enough of RFC 3261's Contact to say where a phone is.
//!
//! The contact itself is kept verbatim. Crates that parse SIP URIs refuse what phones and proxies
//! really send (IPv6, `_` in hosts, `fs_path` values) or rewrite it; this splitter takes any bytes
//! and answers as Kazoo's own parser does wherever that one does not crash.

/// What a Contact header's value is about, before any address is read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactKind {
    /// `*`: every contact of the AOR (RFC 3261, 10.2.2).
    Wildcard,
    /// Nothing, or nothing in brackets, or `<null>`: Kamailio's word for a REGISTER that carried no
    /// Contact, a mere question.
    Absent,
    /// One address or several.
    Address,
}

impl ContactKind {
    /// Tells the three apart.
    pub fn of(contact: &str) -> Self {
        let is_bracket_or_space = |c: char| matches!(c, '<' | '>') || c.is_whitespace();
        match contact.trim() {
            "*" | "<*>" => Self::Wildcard,
            "<null>" => Self::Absent,
            // What is kept of it would be empty, which nobody reads back.
            other if other.chars().all(is_bracket_or_space) => Self::Absent,
            _ => Self::Address,
        }
    }
}

/// Host and port of a contact, as Crossbar shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactAddress<'a> {
    /// The URI's host; an IPv6 one keeps its brackets.
    pub host: &'a str,
    /// The URI's port, or the default: 5061 for `sips:` or TLS, else 5060; 0 for other schemes.
    pub port: u16,
}

impl<'a> ContactAddress<'a> {
    /// Reads a contact (name-addr, `<uri>` or bare URI); `None` if it is no single address.
    pub fn parse(contact: &'a str) -> Option<Self> {
        let contact = contact.trim();
        if ContactKind::of(contact) == ContactKind::Wildcard {
            return Some(Self { host: "*", port: 0 });
        }
        let (uri, header_params) = split_name_addr(contact)?;
        let (scheme, rest) = uri.split_once(':')?;
        let is_none_of_a_uri = |byte: u8| byte.is_ascii_whitespace() || b"<>,".contains(&byte);
        if uri.bytes().any(is_none_of_a_uri) {
            return None;
        }
        let secure = scheme.eq_ignore_ascii_case("sips");
        if !secure && !scheme.eq_ignore_ascii_case("sip") {
            let host = rest
                .split([';', '?'])
                .next()
                .filter(|host| !host.is_empty())?;
            return is_scheme(scheme).then_some(Self { host, port: 0 });
        }
        let (hostport, uri_params) = split_authority(rest)?;
        let (host, port) = split_port(hostport)?;
        // Kazoo looks for the transport among the parameters after `<…>` only; a bare URI's own
        // parameters count as those (RFC 3261, 20.10).
        let params = header_params.unwrap_or(uri_params);
        let tls = secure
            || params
                .split(';')
                .any(|param| param.trim() == "transport=tls");
        let default = if tls { 5061 } else { 5060 };
        Some(Self {
            host,
            port: if port == 0 { default } else { port },
        })
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// The URI, and the header parameters after `>` if it stood in angle brackets.
fn split_name_addr(contact: &str) -> Option<(&str, Option<&str>)> {
    let Some((_, after)) = split_unquoted(contact, '<') else {
        return Some((contact, None));
    };
    let (uri, params) = after.split_once('>')?;
    let params = params.trim();
    // What follows is parameters; anything else (a second contact) is not one address.
    if !params.is_empty() && !params.starts_with(';') || split_unquoted(params, ',').is_some() {
        return None;
    }
    Some((uri, Some(params)))
}

/// Splits at the first `wanted` outside double quotes.
fn split_unquoted(text: &str, wanted: char) -> Option<(&str, &str)> {
    if !text.contains('"') {
        return text.split_once(wanted);
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == wanted && !quoted => {
                let (before, from) = text.split_at_checked(at)?;
                return Some((before, from.strip_prefix(wanted)?));
            }
            _ => {}
        }
    }
    None
}

/// `host[:port]` and the parameters of what follows a SIP URI's scheme.
fn split_authority(rest: &str) -> Option<(&str, &str)> {
    // A user part may hold `;` and `?` (RFC 3261, 25.1), but an `@` in a parameter is no user's.
    let (user, after) = match rest.split_once('@') {
        Some((user, after)) if !user.contains(';') || !user.contains('=') => (Some(user), after),
        _ => (None, rest),
    };
    if user == Some("") {
        return None;
    }
    let end = after.find([';', '?']).unwrap_or(after.len());
    after.split_at_checked(end)
}

fn split_port(hostport: &str) -> Option<(&str, u16)> {
    let (host, port) = match hostport.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (
                hostport.get(..address.len() + 2)?,
                port.strip_prefix(':').or(port.is_empty().then_some("0"))?,
            )
        }
        None => hostport.split_once(':').unwrap_or((hostport, "0")),
    };
    if host.is_empty() {
        return None;
    }
    Some((host, port.parse().ok()?))
}

/// A contact without `<` and `>`, as Kazoo stores and shows it.
pub fn strip_brackets(contact: &str) -> String {
    let mut bare = String::with_capacity(contact.len());
    bare.extend(contact.split(['<', '>']));
    bare
}

/// The bare URI of a contact: no display name, brackets or header parameters. Two contacts with the
/// same one are the same binding, whatever `;expires=` stands behind it.
pub fn addr_spec(contact: &str) -> &str {
    let contact = contact.trim();
    match split_unquoted(contact, '<') {
        Some((_, after)) => after.split_once('>').map_or(after, |(uri, _)| uri),
        None => split_unquoted(contact, ';').map_or(contact, |(uri, _)| uri),
    }
}

#[cfg(test)]
#[path = "contact_tests.rs"]
mod tests;
