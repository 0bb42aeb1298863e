//! Answers to what we asked.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use registration::{
    AccountData, ContactAddress, Lifetime, Origin, Proxy, Registration, Report, Source, Text,
    UnixSeconds,
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    decode::{account_data, optional, register_overwrite, registration, suppress_unregister},
    event::Reject,
    lenient::{Bounded, Scalar},
    wire::{Binding, Body},
};

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Msg-ID of the question.
    pub msg_id: Text,
    /// Node of who answers.
    pub node: Option<Text>,
    /// What it says.
    pub content: Content,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A proxy holds these bindings, among others.
    Found(Vec<Found>),
    /// A proxy has said all, though parts may still be on their way.
    EndOfSearch,
    /// Another registrar has these registrations.
    Registrations {
        /// Each as its record.
        records: Vec<Report>,
        /// Realms, if only those were asked.
        realms: Vec<String>,
        /// How many there are, if only that was asked.
        count: Option<u64>,
        /// Records that cannot be read.
        unreadable: usize,
    },
    /// Another registrar has nothing.
    NoRegistrations,
    /// The directory knows whose device it is.
    Device(Box<Device>),
    /// The directory does not know it.
    UnknownDevice,
}

/// One binding that a proxy told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// In a summary.
    Aor {
        /// SIP username.
        username: Text,
        /// SIP realm.
        realm: Text,
    },
    /// In detail.
    Binding(Box<Report>),
}

/// What the directory knows of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Whose it is.
    pub account: AccountData,
    /// Whether the end of its registration goes unannounced.
    pub suppress_unregister_notify: Option<bool>,
    /// Whether another phone on the AOR is announced.
    pub register_overwrite_notify: Option<bool>,
}

impl Device {
    /// Whether it says anything that `registration` lacks.
    pub fn adds_to(&self, registration: &Registration) -> bool {
        let (known, told) = (&registration.account, &self.account);
        known.id.is_none() && told.id.is_some()
            || known.authorizing_id.is_none() && told.authorizing_id.is_some()
    }
}

/// Reads a message of one of the names that answers have as an answer.
pub(crate) fn reply(name: &str, body: &Body<'_>, text: &str) -> Result<Option<Reply>, Reject> {
    let node = optional(&body.node);
    let content = match name {
        "search_partial_resp" => Content::Found(found(text, node.as_ref())?),
        "search_resp" => Content::EndOfSearch,
        "reg_query_resp" => registrations(text)?,
        "reg_query_error" => Content::NoRegistrations,
        "authn_resp" => Content::Device(Box::new(device(body))),
        "authn_err" => Content::UnknownDevice,
        _ => return Ok(None),
    };
    Ok(Some(Reply {
        msg_id: optional(&body.msg_id).ok_or(Reject::Missing("Msg-ID"))?,
        node,
        content,
    }))
}

/// The most registrations, or realms, that are kept of another registrar's answer: they are asked for
/// fewer at a time.
pub(crate) const MAX_ANSWERS: usize = 200_000;
/// The most bindings that a part of a proxy's answer may have; proxies put 50 into one.
pub(crate) const MAX_FOUND: usize = 10_000;

/// Another registrar's answer. Each record is made small as soon as it is read: there may be
/// many thousands.
#[derive(Deserialize)]
struct Records<'a> {
    #[serde(rename = "Fields", default, deserialize_with = "fold_records")]
    fields: Folded,
    #[serde(borrow, rename = "Count", default)]
    count: Scalar<'a>,
}

#[derive(Default)]
struct Folded {
    records: Vec<Report>,
    realms: BTreeSet<String>,
    unreadable: usize,
    too_many: bool,
}

fn fold_records<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Folded, D::Error> {
    struct Fold;

    impl<'de> Visitor<'de> for Fold {
        type Value = Folded;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of registrations")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Folded, A::Error> {
            let mut folded = Folded::default();
            while folded.records.len().max(folded.realms.len()) <= MAX_ANSWERS
                && let Some(body) = seq.next_element::<Body<'de>>()?
            {
                match (registration(&body), body.realm.text()) {
                    (Ok(report), _) => folded.records.push(report),
                    (Err(_), Some(realm)) if body.username.is_none() => {
                        if !folded.realms.contains(&*realm) {
                            folded.realms.insert(realm.into_owned());
                        }
                    }
                    (Err(_), _) => folded.unreadable += 1,
                }
            }
            folded.too_many = folded.records.len().max(folded.realms.len()) > MAX_ANSWERS;
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(folded)
        }
    }
    deserializer.deserialize_seq(Fold)
}

fn registrations(text: &str) -> Result<Content, Reject> {
    let body: Records<'_> = serde_json::from_str(text).map_err(|error| Reject::not_json(&error))?;
    if body.fields.too_many {
        return Err(Reject::TooMany {
            header: "Fields",
            limit: MAX_ANSWERS,
        });
    }
    let count = body.count.integer();
    Ok(Content::Registrations {
        records: body.fields.records,
        realms: body.fields.realms.into_iter().collect(),
        unreadable: body.fields.unreadable,
        count: count.and_then(|count| u64::try_from(count).ok()),
    })
}

fn device(body: &Body<'_>) -> Device {
    Device {
        account: account_data(body),
        suppress_unregister_notify: suppress_unregister(body),
        register_overwrite_notify: register_overwrite(body),
    }
}

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

fn found(text: &str, node: Option<&Text>) -> Result<Vec<Found>, Reject> {
    let part: Part<'_> = serde_json::from_str(text).map_err(|error| Reject::not_json(&error))?;
    if part.registrations.too_many {
        return Err(Reject::TooMany {
            header: "Registrations",
            limit: MAX_FOUND,
        });
    }
    let each = part.registrations.kept.iter().map(|item| match item {
        Item::Summary(aor) => split(aor)
            .map(|(username, realm)| Found::Aor { username, realm })
            .ok_or_else(|| bad_aor(aor)),
        Item::Detail(binding) => {
            binding_report(binding, node).map(|report| Found::Binding(Box::new(report)))
        }
    });
    each.collect()
}

/// Mends a summary whose AORs stand without quotes, as some proxies write them.
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
    let mut mended = format!("{head}{LIST}{between}[");
    let aors = list.split(',').map(str::trim).filter(|aor| !aor.is_empty());
    for (at, aor) in aors.enumerate() {
        if at > 0 {
            mended.push(',');
        }
        mended.push_str(&serde_json::to_string(aor).ok()?);
    }
    mended.push(']');
    mended.push_str(tail);
    Some(mended)
}

/// `username@realm`; a username may hold an `@`, a realm never does.
fn split(aor: &str) -> Option<(Text, Text)> {
    let aor = aor.strip_prefix("sip:").unwrap_or(aor);
    let (username, realm) = aor.rsplit_once('@')?;
    (!username.is_empty() && !realm.is_empty()).then(|| (username.into(), realm.into()))
}

fn bad_aor(aor: &str) -> Reject {
    Reject::BadValue {
        header: "AOR",
        value: format!("{:?}", aor.chars().take(60).collect::<String>()),
        takes: "username@realm",
    }
}

/// What is not there a proxy writes as `<null>`.
fn said(header: &Scalar<'_>) -> Option<Text> {
    optional(header).filter(|text| &**text != "<null>")
}

fn seconds(header: &Scalar<'_>) -> Option<u64> {
    header
        .integer()
        .and_then(|seconds| u64::try_from(seconds).ok())
}

fn binding_report(binding: &Binding<'_>, node: Option<&Text>) -> Result<Report, Reject> {
    let aor = said(&binding.aor).ok_or(Reject::Missing("AOR"))?;
    let (username, realm) = split(&aor).ok_or_else(|| bad_aor(&aor))?;
    let since = seconds(&binding.last_modified).ok_or(Reject::Missing("Last-Modified"))?;
    let until = seconds(&binding.expires).ok_or(Reject::Missing("Expires"))?;
    let lifetime = u32::try_from(until.saturating_sub(since)).unwrap_or(u32::MAX);
    let received = said(&binding.received);
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
        contact: said(&binding.contact).ok_or(Reject::Missing("Contact"))?,
        call_id: said(&binding.call_id),
        user_agent: said(&binding.user_agent),
        from_user: None,
        from_host: None,
        to_user: None,
        to_host: None,
        proxy: said(&binding.socket)
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

/// The proxy by the socket that the phone reached it at, `udp:192.0.2.1:5060`.
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

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
