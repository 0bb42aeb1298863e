//! Requests to the whole app, none of which may be answered with a server's error.

use std::sync::Arc;

use actix_web::http::{
    Method, Uri,
    header::{HeaderName, HeaderValue},
};
use facade::auth::Auth;
use registration::ManualClock;
use serde_json::{Value, json};

use crate::{
    server::{Answer, Once, Request, Server},
    world::{T0, World},
};

const ACCOUNT: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
const REALM: &str = "acme.example.com";

struct House {
    world: World,
    server: Server,
    phones: usize,
}

thread_local! {
    static HOUSE: Once<House> = const { Once::new() };
}

/// A request as HTTP/1.1 writes it: method and target, then headers, an empty line, a body.
pub fn http_query(data: &[u8]) {
    let Some(request) = read(data) else { return };
    let use_it = |house: &House| {
        let shown = format!("{request:?}");
        let is_head = request.method == Method::HEAD;
        let may_be_unready = request.uri.path().trim_end_matches('/') == "/readyz";
        let answer = house.server.answer(request);
        // There is no broker.
        if !(may_be_unready && answer.status == 503) {
            check(&answer, is_head, &shown);
        }
        house.world.check_table();
        // After a flush the next request finds all of them again.
        house.world.registrar.cache().len() != house.phones
    };
    HOUSE.with(|slot| slot.with(House::new, use_it));
}

fn read(data: &[u8]) -> Option<Request> {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (first, mut rest) = (parts.next()?, parts.next().unwrap_or_default());
    let (method, target) = std::str::from_utf8(first).ok()?.split_once(' ')?;
    let uri = target.trim_end_matches('\r').parse::<Uri>().ok()?;
    // So a server's parser hands it over.
    if !uri.path().starts_with('/') {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let mut parts = rest.splitn(2, |byte| *byte == b'\n');
        let line = parts.next().unwrap_or_default();
        let next = parts.next();
        rest = next.unwrap_or_default();
        if line.is_empty() || next.is_none() {
            break;
        }
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(at)?;
        let name = HeaderName::from_bytes(name).ok()?;
        headers.push((
            name,
            HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?,
        ));
    }
    Some(Request {
        method: Method::from_bytes(method.as_bytes()).ok()?,
        uri,
        headers,
        body: rest.to_vec().into(),
    })
}

fn check(answer: &Answer, is_head: bool, request: &str) {
    assert!(answer.status < 500, "{answer:?} to {request}");
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let id = header("x-request-id").unwrap_or_default();
    assert!(
        id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{answer:?}"
    );
    assert_eq!(header("access-control-allow-origin"), Some("*"));
    let is_plain = header("content-encoding").is_none_or(|encoding| encoding == "identity");
    let body = match &answer.body {
        Some(body)
            if is_plain && !is_head && header("content-type") == Some("application/json") =>
        {
            body
        }
        _ => return,
    };
    let body: Value = serde_json::from_slice(body).expect("JSON");
    if answer.status >= 400 {
        assert_eq!(body["status"], "error", "{body} to {request}");
        assert_eq!(body["error"], answer.status.to_string());
        assert_eq!(body["request_id"], id);
    } else if body["status"] == "success" {
        assert_eq!(body["request_id"], id);
        if let (Some(list), Some(size)) = (body["data"].as_array(), body["page_size"].as_u64()) {
            assert_eq!(list.len() as u64, size);
        }
    }
}

impl House {
    fn new() -> Self {
        let world = World::new();
        let usernames = [
            "amy",
            "Bob",
            "count",
            "events",
            "user_zed",
            "+15551234567",
            "bücher",
            "o'x",
            "a b",
            "=1+1",
        ];
        let phone = |username: &str, realm: &str, more: Value| {
            let mut event = json!({
                "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": T0,
                "Expires": 3600, "Contact": format!("<sip:{username}@192.0.2.1:5062>"), "Realm": realm,
                "Username": username, "User-Agent": "a \"phone\", \\ \u{2028}é",
                "Custom-Channel-Vars": {"Account-ID": ACCOUNT, "Account-Realm": REALM, "Authorizing-ID": username},
            });
            let (Some(event_fields), Some(more)) = (event.as_object_mut(), more.as_object()) else {
                return;
            };
            event_fields.extend(more.clone());
            world.hear(event.to_string().as_bytes());
        };
        for username in usernames {
            phone(username, REALM, json!({}));
        }
        phone(
            "bob",
            "Other.Example.com",
            json!({"Contact": "sip:[2001:db8::1]:5061;transport=tls"}),
        );
        phone(
            "lost",
            "nowhere.example.com",
            json!({"Contact": "nonsense", "Custom-Channel-Vars": "{}"}),
        );
        let phones = world.registrar.cache().len();
        assert_eq!(phones, usernames.len() + 2);
        let server = Server::new(
            Arc::clone(&world.registrar),
            Arc::<ManualClock>::clone(&world.clock),
            Auth::None,
        );
        Self {
            world,
            server,
            phones,
        }
    }
}
