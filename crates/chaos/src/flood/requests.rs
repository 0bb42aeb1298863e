//! Requests that nobody should send.

use std::fmt::Write as _;

use lab::rollcall::TOKEN;

use super::bodies::NAMES;
use crate::{dice::Dice, fleet::account_id};

/// Whoever has no good registrations: what is flushed is flushed here.
pub const VICTIM: u32 = 0xbad;

/// A request, to be answered.
#[derive(Clone, Debug)]
pub struct Request {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether its answer has no body.
    pub is_head: bool,
}

const METHODS: [(u32, &str); 10] = [
    (50, "GET"),
    (8, "HEAD"),
    (12, "DELETE"),
    (12, "POST"),
    (4, "PUT"),
    (3, "PATCH"),
    (5, "OPTIONS"),
    (2, "TRACE"),
    (2, "PROPFIND"),
    (2, "get"),
];

const VALUES: [&str; 22] = [
    "",
    "0",
    "1",
    "-1",
    "100",
    "10000",
    "10001",
    "18446744073709551616",
    "true",
    "false",
    "csv",
    "json",
    "DELETE",
    "%00",
    "%ff",
    "%zz",
    "%",
    "a%26b%3Dc",
    "user00000",
    "user00001@a1.chaos.example.com",
    "%F0%9F%93%9E",
    "x'%20or%201=1--",
];

const PARAMETERS: [&str; 18] = [
    "page_size",
    "start_key",
    "paginate",
    "pretty",
    "accept",
    "force",
    "verb",
    "auth_token",
    "filter_username",
    "filter_not_realm",
    "filter_",
    "has_key",
    "key_missing",
    "has_value",
    "missing_value",
    "created_from",
    "filter_contact%00",
    "",
];

const HEADERS: [&str; 14] = [
    "Accept",
    "Accept-Encoding",
    "If-None-Match",
    "X-Request-ID",
    "Last-Event-ID",
    "Content-Type",
    "Range",
    "Origin",
    "X-Forwarded-For",
    "Forwarded",
    "Cookie",
    "X-HTTP-Method-Override",
    "Cache-Control",
    "Referer",
];

/// A request that is HTTP, whatever it asks for.
pub fn request(dice: &mut Dice, accounts: u32) -> Request {
    let method = dice.weighted(&METHODS).unwrap_or("GET");
    let reads = matches!(method, "GET" | "HEAD" | "OPTIONS");
    let account = if reads && !dice.one_in(3) {
        account_id(dice.below(accounts))
    } else {
        account_id(VICTIM)
    };
    let mut target = path(dice, &account);
    for number in 0..dice.below(4) {
        let (key, value) = (dice.pick(&PARAMETERS), value(dice));
        let mark = if number == 0 { '?' } else { '&' };
        // Writing to a String cannot fail.
        let _ = write!(target, "{mark}{}={value}", key.unwrap_or(&""));
    }
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n").into_bytes();
    token(dice, &mut bytes);
    headers(dice, &mut bytes);
    let body = if matches!(method, "POST" | "PUT" | "PATCH") || dice.one_in(20) {
        body(dice)
    } else {
        Vec::new()
    };
    if !body.is_empty() || method == "POST" {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    Request {
        bytes,
        is_head: method == "HEAD",
    }
}

/// Bytes that are no HTTP, or not for long: pipelined requests, cut and garbled.
pub fn garbage(dice: &mut Dice, accounts: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=dice.below(4) {
        match dice.below(8) {
            0 => {
                let length = dice.index(600);
                bytes.extend(dice.bytes(length));
            }
            1 => bytes.extend(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0"),
            2 => bytes.extend(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
            3 => bytes.extend(smuggled(dice)),
            4 => bytes
                .extend(format!("GET /{} HTTP/1.1\r\n", "a/".repeat(dice.index(20_000))).bytes()),
            5 => {
                let header = format!("X-{}: {}\r\n", dice.below(9), "y".repeat(dice.index(500)));
                bytes.extend(b"GET /v2/registrations HTTP/1.1\r\n");
                bytes.extend(header.repeat(dice.index(300)).bytes());
            }
            _ => {
                let mut request = request(dice, accounts).bytes;
                if dice.one_in(2) {
                    let (at, byte) = (dice.index(request.len()), dice.below(256));
                    if let Some(there) = request.get_mut(at) {
                        *there = u8::try_from(byte).unwrap_or(0);
                    }
                }
                if dice.one_in(3) {
                    request.truncate(dice.index(request.len()));
                }
                bytes.extend(request);
            }
        }
    }
    bytes
}

/// What two servers might read differently, or one not to its end.
fn smuggled(dice: &mut Dice) -> Vec<u8> {
    let rest = [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 99999999999999999999\r\n\r\n",
        "Content-Length: 400\r\n\r\n{\"verb\":",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\n\x1f\x08\x01\r\n0\r\n\r\n",
        "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x08\x01",
        "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n",
        "Host: a\r\nHost: b\r\n\r\n",
        " folded: header\r\n\r\n",
        "no colon\r\n\r\n",
    ];
    let method = ["POST", "GET", "CONNECT", "DELETE"];
    let method = dice.pick(&method).unwrap_or(&"GET");
    let account = account_id(VICTIM);
    let rest = dice.pick(&rest).unwrap_or(&"");
    format!(
        "{method} /v2/accounts/{account}/registrations HTTP/1.1\r\nX-Auth-Token: {TOKEN}\r\n{rest}"
    )
    .into_bytes()
}

fn path(dice: &mut Dice, account: &str) -> String {
    let account = match dice.below(10) {
        0 => dice.hex(32),
        1 => account.to_ascii_uppercase(),
        2 => value(dice),
        3 => "a".repeat(dice.index(2000)),
        _ => account.to_owned(),
    };
    let base = format!("/v2/accounts/{account}");
    match dice.below(16) {
        0..=2 => format!("{base}/registrations"),
        3 => format!("{base}/registrations/"),
        4 => format!("{base}/registrations/count"),
        5 => format!("{base}/registrations/events"),
        6 | 7 => format!("{base}/registrations/{}", username(dice)),
        8 => format!("{base}/devices/status"),
        9 => "/v2/registrations".into(),
        10 => "/v2/registrations/count".into(),
        11 => [
            "/healthz",
            "/readyz",
            "/openapi.json",
            "/docs",
            "/docs/page.js",
        ]
        .get(dice.index(5))
        .map_or(String::new(), |path| (*path).to_owned()),
        12 => format!("{base}//registrations/../registrations/./{}", value(dice)),
        13 => format!("/{}", value(dice)),
        14 => format!("/v2/accounts/{account};jsessionid=1/registrations%2Fcount"),
        _ => format!("http://example.com{base}/registrations"),
    }
}

fn username(dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => format!("user{:05}", dice.below(2000)),
        1 => value(dice),
        2 => "%61".repeat(dice.index(400)),
        3 => {
            let length = dice.index(12);
            let escape = |byte: u8| format!("%{byte:02X}");
            dice.bytes(length).into_iter().map(escape).collect()
        }
        _ => dice
            .pick(&NAMES)
            .map_or(String::new(), |name| escaped(name)),
    }
}

fn escaped(name: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    name.bytes().map(escape).collect()
}

fn value(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => dice.hex(64),
        1 => "%41".repeat(dice.index(500)),
        _ => dice
            .pick(&VALUES)
            .map_or(String::new(), |value| (*value).to_owned()),
    }
}

fn token(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let good = format!("X-Auth-Token: {TOKEN}\r\n");
    let line = match dice.below(14) {
        0 => String::new(),
        1 => format!("X-Auth-Token: {}\r\n", dice.hex(64)),
        2 => format!(
            "Authorization: Bearer {}.{}.{}\r\n",
            dice.hex(40),
            dice.hex(200),
            dice.hex(80)
        ),
        3 => "Authorization: Basic bm9ib2R5Om5vdGhpbmc=\r\n".into(),
        4 => "Authorization: Bearer\r\n".into(),
        5 => format!("X-Auth-Token: {}\r\n", "t".repeat(dice.index(5000))),
        6 => {
            bytes.extend(b"X-Auth-Token: \xff\xfe\xfd\r\n");
            return;
        }
        7 => format!("X-Auth-Token: {}\r\n{good}", dice.hex(8)),
        _ => good,
    };
    bytes.extend(line.into_bytes());
}

fn headers(dice: &mut Dice, bytes: &mut Vec<u8>) {
    const ODD: [&[u8]; 12] = [
        b"",
        b"*/*;q=x, ;;, text/csv;q=2",
        b"text/csv",
        b"image/png",
        b"gzip;q=0, br;q=1, zstd, identity;q=0",
        b"\"\", W/\"x\", *",
        b"0123456789abcdef0123456789abcdef",
        b"18446744073709551616",
        b"bytes=0-,-1,5-2",
        b"text/event-stream",
        b"\xe9\xff\x80",
        b"application/json; charset=utf-7",
    ];
    for _ in 0..dice.below(5) {
        let (name, value) = (dice.pick(&HEADERS), dice.pick(&ODD));
        if let (Some(name), Some(value)) = (name, value) {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
    }
}

fn body(dice: &mut Dice) -> Vec<u8> {
    match dice.below(9) {
        0 => b"{\"verb\":\"delete\"}".into(),
        1 => b"{\"data\":{},\"verb\":[\"delete\"]}".into(),
        2 => "[".repeat(dice.index(60_000)).into_bytes(),
        3 => "{\"a\":".repeat(dice.index(10_000)).into_bytes(),
        4 => {
            let length = dice.index(70_000);
            dice.bytes(length)
        }
        5 => format!("{{\"verb\":\"{}\"}}", "x".repeat(dice.index(66_000))).into_bytes(),
        6 => b"\xef\xbb\xbf{\"verb\":\"DELETE\"}".into(),
        7 => b"{\"verb\":\"delete\"".into(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_asks_the_same_and_only_the_victim_is_flushed() {
        let ask = |seed| {
            let mut dice = Dice::new(seed, 0);
            let one = |_| [request(&mut dice, 8).bytes, garbage(&mut dice, 8)].concat();
            (0..1000).map(one).collect::<Vec<_>>()
        };
        assert!(ask(1) == ask(1) && ask(1) != ask(2));
        let mut dice = Dice::new(3, 0);
        for _ in 0..20_000 {
            let request = request(&mut dice, 8);
            let text = String::from_utf8_lossy(&request.bytes).into_owned();
            let line = text.lines().next().unwrap();
            // `?verb=DELETE` makes a flush of a POST.
            if line.starts_with("DELETE") || line.starts_with("POST") {
                assert!((0..8).all(|n| !line.contains(&account_id(n))), "{line}");
            }
        }
    }
}
