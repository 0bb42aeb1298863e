//! Messages as Kazoo's Kamailio writes them, written here once more, so that what rollcall's own
//! encoder and decoder have in common goes unnoticed by neither.

use serde_json::{Value, json};

use crate::{
    fleet::{Phone, account_id, realm},
    truth::Row,
};

/// Who speaks.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// Its node name.
    pub node: String,
    /// Its address.
    pub ip: String,
}

/// What an event says beside the binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A register; whether nothing was there before.
    Registered {
        /// First-Registration.
        first: bool,
    },
    /// An unregister; whether nothing was there.
    Unregistered {
        /// First-Registration.
        first: bool,
    },
    /// A replay.
    Success,
}

/// A `reg_success` at `now`, in Unix seconds.
pub fn reg_success(
    speaker: &Speaker,
    phone: &Phone,
    row: &Row,
    status: Status,
    now: u64,
) -> Vec<u8> {
    let (said, first, expires) = match status {
        Status::Registered { first } => ("Registered", first, row.expires.saturating_sub(now)),
        Status::Unregistered { first } => ("Unregistered", first, 0),
        Status::Success => ("Success", false, row.expires.saturating_sub(now)),
    };
    let contact = match status {
        Status::Success => row.contact.clone(),
        _ => format!("<{}>", row.contact),
    };
    let (username, realm) = (&phone.username, realm(phone.account));
    let mut body = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Status": said,
        "Event-Timestamp": now, "Expires": expires, "First-Registration": first,
        "Contact": contact, "Call-ID": row.call_id, "Realm": realm, "Username": username,
        "From-User": username, "From-Host": realm, "To-User": username, "To-Host": realm,
        "User-Agent": "chaos/1.0",
        "Custom-Channel-Vars": {
            "Username": username, "Realm": realm, "Account-ID": account_id(phone.account),
            "Account-Realm": realm, "Account-Name": format!("Account {}", phone.account),
            "Authorizing-ID": phone.device(), "Authorizing-Type": "device",
            "Suppress-Unregister-Notifications": true, "Register-Overwrite-Notify": false,
        },
        "Proxy-Path": format!("sip:{}:5060", speaker.ip),
    });
    if status != Status::Success {
        let path = format!("sip:{}:5060;transport=udp", speaker.ip);
        let more = json!({
            "Proxy-Path": path, "Proxy-Protocol": "udp", "Proxy-IP": speaker.ip,
            "Proxy-Port": "5060", "Source-IP": "198.18.0.1", "Source-Port": "5060",
        });
        extend(&mut body, more);
    }
    finish(speaker, body, &uuid::Uuid::new_v4().to_string())
}

/// One row in a detailed answer.
pub fn detail(speaker: &Speaker, aor: &str, row: &Row) -> Value {
    json!({
        "AOR": aor, "Contact": row.contact, "Received": "<null>", "Path": "<null>",
        "Expires": row.expires, "Call-ID": row.call_id, "CSeq": "1",
        "Last-Modified": row.modified.to_string(), "User-Agent": "chaos/1.0",
        "Socket": format!("udp:{}:5060", speaker.ip),
    })
}

/// A part of an answer to a search, or with no items its end.
pub fn search_answer(speaker: &Speaker, items: &[Value], msg_id: &str) -> Vec<u8> {
    let name = if items.is_empty() {
        "search_resp"
    } else {
        "search_partial_resp"
    };
    let body = json!({
        "Event-Category": "registration", "Event-Name": name, "Registrations": items,
    });
    finish(speaker, body, msg_id)
}

fn finish(speaker: &Speaker, mut body: Value, msg_id: &str) -> Vec<u8> {
    let headers = json!({
        "App-Name": "kamailio", "App-Version": "5.6.3", "Node": speaker.node, "Msg-ID": msg_id,
        "Server-ID": format!("{}-<1>-targeted-1", speaker.node),
    });
    extend(&mut body, headers);
    body.to_string().into_bytes()
}

fn extend(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

/// The routing key of a `reg_success`.
pub fn success_key(phone: &Phone) -> String {
    let realm = realm(phone.account).replace('.', "%2E");
    format!("registration.success.{realm}.{}", phone.username)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fleet;

    #[test]
    fn an_event_reads_as_kamailio_writes_it() {
        let speaker = Speaker {
            node: "kamailio@p1".into(),
            ip: "203.0.113.1".into(),
        };
        let phone = &fleet(3, 2)[1];
        let row = Row {
            contact: phone.contact(0),
            call_id: "c".into(),
            modified: 100,
            expires: 700,
        };
        let body = reg_success(
            &speaker,
            phone,
            &row,
            Status::Registered { first: true },
            160,
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["Expires"], 540);
        assert_eq!(body["Node"], "kamailio@p1");
        assert_eq!(body["Contact"], format!("<{}>", phone.contact(0)));
        assert_eq!(
            success_key(phone),
            "registration.success.a1%2Echaos%2Eexample%2Ecom.user00001"
        );
        let end: Value = serde_json::from_slice(&search_answer(&speaker, &[], "m")).unwrap();
        assert_eq!(end["Event-Name"], "search_resp");
        assert_eq!(end["Msg-ID"], "m");
    }
}
