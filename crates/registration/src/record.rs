//! The registration as it is stored.

use std::sync::Arc;

use crate::{AccountId, Aor, UnixMillis, UnixSeconds, Zone, addr_spec};

/// Text that a refresh hands on to the next record without a copy.
pub type Text = Arc<str>;

/// Whose phone it is, as Kazoo's directory told the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountData {
    /// Account-ID.
    pub id: Option<AccountId>,
    /// Account-Realm: the account's own realm, which a device's may differ from.
    pub realm: Option<Text>,
    /// Account-Name.
    pub name: Option<Text>,
    /// Authorizing-ID: the device's id.
    pub authorizing_id: Option<Text>,
    /// Authorizing-Type: `device`, mostly.
    pub authorizing_type: Option<Text>,
    /// Owner-ID: the user's id.
    pub owner_id: Option<Text>,
    /// Presence-ID.
    pub presence_id: Option<Text>,
}

/// The proxy that a phone is registered with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// Proxy-Path: a SIP URI.
    pub path: Option<Text>,
    /// Proxy-IP.
    pub ip: Option<Text>,
    /// Proxy-Port.
    pub port: Option<u16>,
    /// Proxy-Protocol.
    pub protocol: Option<Text>,
}

/// An address and port, as text (so Kazoo shows them).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub ip: Option<Text>,
    /// The port.
    pub port: Option<Text>,
}

/// A phone's registration: one contact bound to one AOR, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// SIP username, as the phone wrote it.
    pub username: Text,
    /// SIP realm, as the phone wrote it.
    pub realm: Text,
    /// The contact without angle brackets.
    pub contact: Text,
    /// The contact as the phone sent it.
    pub original_contact: Text,
    /// The contact of the registration that this one followed.
    pub previous_contact: Option<Text>,
    /// Call-ID of the last REGISTER.
    pub call_id: Option<Text>,
    /// User-Agent of the last REGISTER that had one.
    pub user_agent: Option<Text>,
    /// User part of From.
    pub from_user: Option<Text>,
    /// Host part of From.
    pub from_host: Text,
    /// User part of To.
    pub to_user: Option<Text>,
    /// Host part of To.
    pub to_host: Text,
    /// Lifetime in seconds, padding included.
    pub expires: u32,
    /// When it was last refreshed.
    pub last_registration: UnixSeconds,
    /// When this chain of refreshes began.
    pub initial_registration: UnixSeconds,
    /// The proxy.
    pub proxy: Proxy,
    /// The phone's address.
    pub source: Source,
    /// The phone's address as an older relay names it.
    pub network: Source,
    /// Whose it is.
    pub account: AccountData,
    /// Whether its end goes unannounced.
    pub suppress_unregister_notify: bool,
    /// Whether another phone on the AOR is announced.
    pub register_overwrite_notify: bool,
    /// Node that registered it.
    pub registrar_node: Option<Text>,
    /// Host of that node.
    pub registrar_hostname: Option<Text>,
    /// Zone it was heard in.
    pub zone: Zone,
}

impl Registration {
    /// The key it is stored under.
    pub fn aor(&self) -> Aor {
        Aor::new(&self.username, &self.realm)
    }

    /// The moment it is no more.
    pub fn expires_at(&self) -> UnixMillis {
        self.last_registration
            .millis()
            .plus_seconds(u64::from(self.expires))
    }

    /// Whether the proxy still holds it at `time`, where it ends without the padding.
    pub fn is_bound_at(&self, time: UnixSeconds, padding: u32) -> bool {
        let lifetime = self.expires.saturating_sub(padding);
        time.0 < self.last_registration.0.saturating_add(u64::from(lifetime))
    }

    /// Whether it is still there at `now`.
    pub fn is_live(&self, now: UnixMillis) -> bool {
        now < self.expires_at()
    }

    /// Whether `realm` is its own or its account's, in any case.
    pub fn is_of_realm(&self, realm: &str) -> bool {
        self.realm.eq_ignore_ascii_case(realm)
            || self
                .account
                .realm
                .as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(realm))
    }

    /// Where Kazoo bridges a call for it: the user at its realm, by way of the proxy.
    pub fn bridge_ruri(&self) -> Option<String> {
        let path = self.proxy.path.as_deref()?;
        let path = path.split(';').next().unwrap_or(path);
        let contact = addr_spec(&self.original_contact);
        let secure = contact
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("sips:"));
        let scheme = if secure { "sips" } else { "sip" };
        Some(format!(
            "{scheme}:{}@{};fs_path={path}",
            self.username, self.realm
        ))
    }
}
