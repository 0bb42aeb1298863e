//! `search_partial_resp`: bindings that a proxy holds.

use std::{borrow::Cow, fmt};

use registration::{
    AccountData, ContactAddress, Lifetime, Origin, Proxy, Report, Source, Text, UnixSeconds,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{body::Binding, lenient::Bounded, reject::Reject, scalar::Scalar};
use crate::event::Found;

/// The most bindings that a part of a proxy's answer may have; proxies put 50 into one.
pub(crate) const MAX_FOUND: usize = 10_000;

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "Registrations", default)]
    registrations: Bounded<Item<'a>, MAX_FOUND>,
}

/// An AOR in a summary, an object in detail.
enum Item<'a> {
    Summary(Cow<'a, str>),
    Detail(Box<Binding<'a>>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;

        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an AOR or an object")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Item::Summary(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Item::Summary(Cow::Owned(text.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Binding::deserialize(MapAccessDeserializer::new(map))
                    .map(|binding| Item::Detail(Box::new(binding)))
            }
        }
        deserializer.deserialize_any(ItemVisitor)
    }
}

/// Reads the bindings of a part of a proxy's answer.
pub(crate) fn found(text: &str, node: Option<&Text>) -> Result<Vec<Found>, Reject> {
    let part: Part<'_> = serde_json::from_str(text)?;
    if part.registrations.too_many {
        return Err(Reject::TooMany {
            header: "Registrations",
            limit: MAX_FOUND,
        });
    }
    let each = part.registrations.kept.iter().map(|item| match item {
        Item::Summary(aor) => {
            let (username, realm) = split_aor(aor)?;
            Ok(Found::Aor { username, realm })
        }
        Item::Detail(binding) => Ok(Found::Binding(Box::new(report(binding, node)?))),
    });
    each.collect()
}

/// Mends a summary whose AORs have no quotes, as some proxies write them.
pub(crate) fn mend_summary(text: &str) -> Option<String> {
    const LIST: &str = "\"Registrations\"";
    if !text.contains("search_partial_resp") {
        return None;
    }
    let (head, rest) = text.split_once(LIST)?;
    let (between, rest) = rest.split_once('[')?;
    let (list, tail) = rest.split_once(']')?;
    if list.contains(['"', '{']) {
        return None;
    }
    let aors = list.split(',').map(str::trim).filter(|aor| !aor.is_empty());
    let aors = serde_json::to_string(&aors.collect::<Vec<_>>()).ok()?;
    Some([head, LIST, between, &aors, tail].concat())
}

/// `username@realm`; a username may hold an `@`, a realm never does.
fn split_aor(aor: &str) -> Result<(Text, Text), Reject> {
    let bare = aor.strip_prefix("sip:").unwrap_or(aor);
    bare.rsplit_once('@')
        .filter(|(username, realm)| !username.is_empty() && !realm.is_empty())
        .map(|(username, realm)| (username.into(), realm.into()))
        .ok_or_else(|| Scalar::Text(aor.into()).bad("AOR", "username@realm"))
}

/// A header's text; a proxy writes an absent one as `<null>`.
fn text(header: &Scalar<'_>) -> Option<Text> {
    header.text().filter(|text| &**text != "<null>")
}

fn report(binding: &Binding<'_>, node: Option<&Text>) -> Result<Report, Reject> {
    let (username, realm) = split_aor(&text(&binding.aor).ok_or(Reject::Missing("AOR"))?)?;
    let since: Option<u64> = binding.last_modified.integer();
    let since = since.ok_or(Reject::Missing("Last-Modified"))?;
    let until: Option<u64> = binding.expires.integer();
    let until = until.ok_or(Reject::Missing("Expires"))?;
    let lifetime = u32::try_from(until.saturating_sub(since)).unwrap_or(u32::MAX);
    let received = text(&binding.received);
    let address = received.as_deref().and_then(ContactAddress::parse);
    Ok(Report {
        username,
        realm,
        time: UnixSeconds(since),
        lifetime: match lifetime {
            0 => Lifetime::Ended,
            seconds => Lifetime::Seconds(seconds),
        },
        origin: Origin::Record,
        first: None,
        contact: text(&binding.contact).ok_or(Reject::Missing("Contact"))?,
        call_id: text(&binding.call_id),
        user_agent: text(&binding.user_agent),
        from_user: None,
        from_host: None,
        to_user: None,
        to_host: None,
        proxy: text(&binding.socket)
            .map(|socket| proxy(&socket))
            .unwrap_or_default(),
        source: Source {
            ip: address.as_ref().map(|address| address.host.into()),
            port: address.map(|address| address.port.to_string().into()),
        },
        network: Source::default(),
        account: AccountData::default(),
        suppress_unregister_notify: None,
        register_overwrite_notify: None,
        registrar_node: node.cloned(),
        registrar_hostname: None,
        zone: None,
        previous_contact: None,
        initial_registration: None,
        last_registration: None,
    })
}

/// The proxy whose socket the phone reached, `udp:192.0.2.1:5060`.
fn proxy(socket: &str) -> Proxy {
    let parts = socket
        .split_once(':')
        .and_then(|(protocol, rest)| Some((protocol, rest.rsplit_once(':')?)));
    let Some((protocol, (ip, port))) = parts else {
        return Proxy::default();
    };
    Proxy {
        path: Some(format!("sip:{ip}:{port};transport={protocol}").into()),
        ip: Some(ip.into()),
        port: port.parse().ok(),
        protocol: Some(protocol.into()),
    }
}
