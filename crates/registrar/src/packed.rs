//! A registration in as few bytes as it takes.
//!
//! What an account's phones have in common, and what a proxy's, is held once for all of them
//! ([`Owner`], [`Gear`]); what is a phone's own is written into a few bytes, a tag before each field.
//! Most of it says again what stands before it (`From-User`, the previous contact) and takes the tag
//! alone; ids of 32 hex digits take half.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, SocketAddrV4},
};

use registration::{
    AccountData, ContactAddress, Proxy, Registration, Source, Text, UnixSeconds, strip_brackets,
};

use crate::shared::{Gear, Owner};

/// Not there.
const ABSENT: u8 = 0;
/// What the field says by itself, from what stands before it.
const IMPLIED: u8 = 1;
/// 32 lower-case hex digits, as 16 bytes.
const HEX: u8 = 2;
/// A contact without what stands around its address: `<sip:USERNAME@` and `>`.
const FRAMED: u8 = 3;
/// A contact as its address of six bytes, and which of the usual parameters follow.
const PLAIN: u8 = 4;
/// What follows that tag.
const PLAIN_BYTES: usize = 7;
/// A length of four bytes, then the text.
const LONG: u8 = 15;
/// From here on the tag is a length too.
const SHORT: u8 = 16;
const LONGEST_SHORT: usize = (u8::MAX - SHORT) as usize;

/// Writes what is a phone's own.
pub(crate) fn write(registration: &Registration, out: &mut Vec<u8>) {
    let r = registration;
    text(&r.username, out);
    write_contact(&r.original_contact, &r.username, out);
    let is_plain = *r.contact == *strip_brackets(&r.original_contact);
    field(Some(&r.contact), is_plain, out);
    let previous = r.previous_contact.as_ref();
    field(previous, previous == Some(&r.contact), out);
    field(r.call_id.as_ref(), false, out);
    for user in [&r.from_user, &r.to_user] {
        field(user.as_ref(), user.as_ref() == Some(&r.username), out);
    }
    let address = Address::of(&r.original_contact);
    for source in [&r.network, &r.source] {
        field(source.ip.as_ref(), source.ip == address.ip, out);
        field(source.port.as_ref(), source.port == address.port, out);
    }
    field(r.account.authorizing_id.as_ref(), false, out);
    field(r.account.owner_id.as_ref(), false, out);
    let presence = r.account.presence_id.as_ref();
    let is_aor = presence.is_some_and(|id| is_aor(id, &r.username, &r.realm));
    field(presence, is_aor, out);
}

/// What follows the address in most contacts.
const PARAMETERS: [&str; 4] = ["", ";transport=udp", ";transport=tcp", ";transport=tls"];

fn write_contact(contact: &str, username: &str, out: &mut Vec<u8>) {
    let inner = contact
        .strip_prefix("<sip:")
        .and_then(|rest| rest.strip_prefix(username))
        .and_then(|rest| rest.strip_prefix('@'))
        .and_then(|rest| rest.strip_suffix('>'));
    let Some(inner) = inner else {
        return text(contact, out);
    };
    let Some((address, parameters)) = plain_address(inner) else {
        out.push(FRAMED);
        return text(inner, out);
    };
    out.push(PLAIN);
    out.extend_from_slice(&address.ip().octets());
    out.extend_from_slice(&address.port().to_le_bytes());
    out.push(parameters);
}

/// An address that is written as we would write it, with usual parameters.
fn plain_address(inner: &str) -> Option<(SocketAddrV4, u8)> {
    let end = inner.find(';').unwrap_or(inner.len());
    let (address, parameters) = inner.split_at_checked(end)?;
    let usual = PARAMETERS.iter().position(|usual| *usual == parameters)?;
    let parsed: SocketAddrV4 = address.parse().ok()?;
    let is_ours = parsed.to_string() == address;
    Some((parsed, u8::try_from(usual).ok()?)).filter(|_| is_ours)
}

fn is_aor(text: &str, username: &str, realm: &str) -> bool {
    text.strip_prefix(username)
        .and_then(|rest| rest.strip_prefix('@'))
        == Some(realm)
}

/// The address that a contact names, as a phone's source mostly is too.
struct Address {
    ip: Option<Text>,
    port: Option<Text>,
}

impl Address {
    fn of(contact: &str) -> Self {
        let address = ContactAddress::parse(contact);
        Self {
            ip: address.map(|address| address.host.into()),
            port: address.map(|address| address.port.to_string().into()),
        }
    }
}

fn field(value: Option<&Text>, is_implied: bool, out: &mut Vec<u8>) {
    match value {
        None => out.push(ABSENT),
        Some(_) if is_implied => out.push(IMPLIED),
        Some(value) => text(value, out),
    }
}

/// Appends a text that need not be there.
pub(crate) fn optional(value: Option<&str>, out: &mut Vec<u8>) {
    match value {
        None => out.push(ABSENT),
        Some(value) => text(value, out),
    }
}

/// Appends a text with its tag.
pub(crate) fn text(value: &str, out: &mut Vec<u8>) {
    let mut id = [0; 16];
    let is_id = value.len() == 32
        && !value.bytes().any(|byte| byte.is_ascii_uppercase())
        && hex::decode_to_slice(value, &mut id).is_ok();
    if is_id {
        out.push(HEX);
        out.extend_from_slice(&id);
    } else if value.len() <= LONGEST_SHORT {
        // No longer than a tag can say.
        out.push(SHORT.saturating_add(u8::try_from(value.len()).unwrap_or_default()));
        out.extend_from_slice(value.as_bytes());
    } else {
        out.push(LONG);
        // Bodies of messages are far shorter than that.
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(value.as_bytes());
    }
}

/// What a field says.
enum Said<'a> {
    Absent,
    Implied,
    Framed,
    Plain,
    Text(&'a str),
    Id(&'a [u8]),
}

/// What is left to read. Whatever the bytes are, something is read: if it is none of what was
/// written, `is_broken` says so.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) left: &'a [u8],
    pub(crate) is_broken: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            left: bytes,
            is_broken: false,
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.left.split_at_checked(length).unwrap_or_else(|| {
            self.is_broken = true;
            (&[], &[])
        });
        self.left = rest;
        taken
    }

    fn utf8(&mut self, length: usize) -> &'a str {
        let bytes = self.take(length);
        std::str::from_utf8(bytes).unwrap_or_else(|_| {
            self.is_broken = true;
            ""
        })
    }

    fn next(&mut self) -> Said<'a> {
        match self.take(1) {
            [ABSENT] => Said::Absent,
            [IMPLIED] => Said::Implied,
            [FRAMED] => Said::Framed,
            [PLAIN] => Said::Plain,
            [HEX] => Said::Id(self.take(16)),
            [LONG] => {
                let length = self.number();
                Said::Text(self.utf8(usize::try_from(length).unwrap_or(usize::MAX)))
            }
            [tag] if *tag >= SHORT => Said::Text(self.utf8(usize::from(tag - SHORT))),
            _ => {
                self.is_broken = true;
                Said::Absent
            }
        }
    }

    /// A number of four bytes.
    pub(crate) fn number(&mut self) -> u32 {
        self.take(4).try_into().map_or(0, u32::from_le_bytes)
    }

    /// A byte that is 0 or 1.
    pub(crate) fn flag(&mut self) -> bool {
        match self.take(1) {
            [0] => false,
            [1] => true,
            _ => {
                self.is_broken = true;
                false
            }
        }
    }

    /// A text that has to be there.
    pub(crate) fn text<T: Words<'a>>(&mut self) -> T {
        self.maybe().unwrap_or_else(|| {
            self.is_broken = true;
            T::borrowed("")
        })
    }

    /// A text that need not be there.
    pub(crate) fn maybe<T: Words<'a>>(&mut self) -> Option<T> {
        self.maybe_implied(|| None)
    }

    /// A text that need not be there, or is what goes without saying.
    fn maybe_implied<T: Words<'a>>(&mut self, implied: impl FnOnce() -> Option<T>) -> Option<T> {
        match self.next() {
            Said::Absent => return None,
            Said::Text(text) => return Some(T::borrowed(text)),
            Said::Id(id) => return Some(T::owned(digits_of(id))),
            Said::Implied => {
                if let Some(implied) = implied() {
                    return Some(implied);
                }
            }
            Said::Framed | Said::Plain => {}
        }
        self.is_broken = true;
        None
    }
}

/// Texts of a registration that is read: its own, or borrowed where they stand as they are.
pub(crate) trait Words<'a>: Clone + AsRef<str> {
    /// As it stands in the bytes.
    fn borrowed(text: &'a str) -> Self;
    /// Of what is held in common.
    fn shared(text: &'a Text) -> Self;
    /// Made of what stands there.
    fn owned(text: String) -> Self;
}

impl<'a> Words<'a> for Text {
    fn borrowed(text: &'a str) -> Self {
        text.into()
    }

    fn shared(text: &'a Text) -> Self {
        text.clone()
    }

    fn owned(text: String) -> Self {
        text.into()
    }
}

impl<'a> Words<'a> for Cow<'a, str> {
    fn borrowed(text: &'a str) -> Self {
        Self::Borrowed(text)
    }

    fn shared(text: &'a Text) -> Self {
        Self::Borrowed(text)
    }

    fn owned(text: String) -> Self {
        Self::Owned(text)
    }
}

/// An id of 16 bytes as it is written.
fn digits_of(id: &[u8]) -> String {
    let mut digits = vec![0; 2 * id.len()];
    // There is room for all of them, and they are ASCII.
    let _ = hex::encode_to_slice(id, &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

/// The username, without a copy where it is written as it is.
pub(crate) fn username(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match Reader::new(bytes).next() {
        Said::Text(text) => text.into(),
        Said::Id(id) => digits_of(id).into(),
        _ => "".into(),
    }
}

/// Fields that stand before the device's id, and all of them.
const BEFORE_DEVICE: usize = 11;
const FIELDS: usize = 14;

impl Reader<'_> {
    /// Passes over so many of the fields that [`write()`] writes.
    fn skip(&mut self, fields: usize) {
        for _ in 0..fields {
            match self.next() {
                Said::Framed => drop(self.next()),
                Said::Plain => drop(self.take(PLAIN_BYTES)),
                _ => {}
            }
        }
    }

    /// Passes over a registration.
    pub(crate) fn skip_registration(&mut self) {
        self.skip(FIELDS);
    }
}

/// Whether the device's id is among what [`write()`] wrote.
pub(crate) fn has_device(bytes: &[u8]) -> bool {
    let mut from = Reader::new(bytes);
    from.skip(BEFORE_DEVICE);
    !matches!(from.next(), Said::Absent)
}

/// What stands at the bytes' beginning, with what is shared and when it was refreshed.
pub(crate) fn read<'a, T: Words<'a>>(
    bytes: &'a [u8],
    owner: &'a Owner,
    gear: &'a Gear,
    times: Times,
) -> Registration<T> {
    let shared = |text: &'a Option<Text>| text.as_ref().map(T::shared);
    let mut from = Reader::new(bytes);
    let username: T = from.text();
    let original_contact: T = original_contact(&mut from, username.as_ref());
    let plain = || T::owned(strip_brackets(original_contact.as_ref()));
    let contact = from.maybe_implied(|| Some(plain())).unwrap_or_else(plain);
    let previous_contact = from.maybe_implied(|| Some(contact.clone()));
    let call_id = from.maybe();
    let from_user = from.maybe_implied(|| Some(username.clone()));
    let to_user = from.maybe_implied(|| Some(username.clone()));
    let (network, source) = sources(&mut from, original_contact.as_ref());
    let authorizing_id = from.maybe();
    let owner_id = from.maybe();
    let aor = || T::owned([username.as_ref(), "@", &owner.realm].concat());
    let presence_id = from.maybe_implied(|| Some(aor()));
    Registration {
        realm: T::shared(&owner.realm),
        contact,
        previous_contact,
        call_id,
        user_agent: shared(&gear.user_agent),
        from_user,
        from_host: T::shared(&owner.from_host),
        to_user,
        to_host: T::shared(&owner.to_host),
        expires: times.expires,
        last_registration: UnixSeconds(u64::from(times.last)),
        initial_registration: UnixSeconds(u64::from(times.initial)),
        proxy: Proxy {
            path: shared(&gear.proxy.path),
            ip: shared(&gear.proxy.ip),
            port: gear.proxy.port,
            protocol: shared(&gear.proxy.protocol),
        },
        source,
        network,
        account: AccountData {
            id: owner.account,
            realm: shared(&owner.account_realm),
            name: shared(&owner.account_name),
            authorizing_id,
            authorizing_type: shared(&gear.authorizing_type),
            owner_id,
            presence_id,
        },
        suppress_unregister_notify: gear.suppress_unregister_notify,
        register_overwrite_notify: gear.register_overwrite_notify,
        registrar_node: shared(&gear.node),
        registrar_hostname: shared(&gear.hostname),
        zone: gear.zone.clone(),
        username,
        original_contact,
    }
}

/// The contact as the phone sent it.
pub(crate) fn contact_of(bytes: &[u8]) -> Text {
    let mut from = Reader::new(bytes);
    let username: Cow<'_, str> = from.text();
    original_contact(&mut from, &username)
}

fn original_contact<'a, T: Words<'a>>(from: &mut Reader<'a>, username: &str) -> T {
    let mut rest = *from;
    match rest.next() {
        Said::Framed => {
            let inner: Cow<'_, str> = rest.text();
            *from = rest;
            T::owned(["<sip:", username, "@", &inner, ">"].concat())
        }
        Said::Plain => {
            let [a, b, c, d] = rest.number().to_le_bytes();
            let port = rest.take(2).try_into().map_or(0, u16::from_le_bytes);
            let usual = rest
                .take(1)
                .first()
                .and_then(|at| PARAMETERS.get(usize::from(*at)));
            rest.is_broken |= usual.is_none();
            *from = rest;
            let address = SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port);
            T::owned(format!(
                "<sip:{username}@{address}{}>",
                usual.unwrap_or(&"")
            ))
        }
        _ => from.text(),
    }
}

/// Network and source.
fn sources<'a, T: Words<'a>>(from: &mut Reader<'a>, contact: &str) -> (Source<T>, Source<T>) {
    let address = ContactAddress::parse(contact);
    let mut source = || Source {
        ip: from.maybe_implied(|| address.map(|address| T::owned(address.host.to_owned()))),
        port: from.maybe_implied(|| address.map(|address| T::owned(address.port.to_string()))),
    };
    (source(), source())
}

/// When a registration began, was refreshed, and how long it lives from then, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) initial: u32,
    pub(crate) last: u32,
    pub(crate) expires: u32,
}

impl Times {
    /// Seconds of the years from 1970 to 2106.
    pub(crate) fn of(registration: &Registration) -> Self {
        Self {
            initial: seconds(registration.initial_registration),
            last: seconds(registration.last_registration),
            expires: registration.expires,
        }
    }

    /// The second it ends at.
    pub(crate) fn end(self) -> u64 {
        u64::from(self.last) + u64::from(self.expires)
    }
}

/// No registration is of a later time than our clock's.
pub(crate) fn seconds(time: UnixSeconds) -> u32 {
    u32::try_from(time.0).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "packed_tests.rs"]
pub(crate) mod tests;
