//! The registration as it is stored.

use std::sync::Arc;

use crate::{AccountId, Aor, UnixMillis, UnixSeconds, Zone, addr_spec};

/// Text that a refresh hands on to the next record without a copy.
pub type Text = Arc<str>;

/// Whose phone it is, as Kazoo's directory told the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountData<T = Text> {
    /// Account-ID.
    pub id: Option<AccountId>,
    /// Account-Realm: the account's own realm, which a device's may differ from.
    pub realm: Option<T>,
    /// Account-Name.
    pub name: Option<T>,
    /// Authorizing-ID: the device's id.
    pub authorizing_id: Option<T>,
    /// Authorizing-Type: `device`, mostly.
    pub authorizing_type: Option<T>,
    /// Owner-ID: the user's id.
    pub owner_id: Option<T>,
    /// Presence-ID.
    pub presence_id: Option<T>,
}

/// The proxy that a phone is registered with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Proxy<T = Text> {
    /// Proxy-Path: a SIP URI.
    pub path: Option<T>,
    /// Proxy-IP.
    pub ip: Option<T>,
    /// Proxy-Port.
    pub port: Option<u16>,
    /// Proxy-Protocol.
    pub protocol: Option<T>,
}

/// An address and port, as text (so Kazoo shows them).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source<T = Text> {
    /// The address.
    pub ip: Option<T>,
    /// The port.
    pub port: Option<T>,
}

/// A phone's registration: one contact bound to one AOR, until it expires. Its texts are its own, or
/// borrowed ([`View`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration<T = Text> {
    /// SIP username, as the phone wrote it.
    pub username: T,
    /// SIP realm, as the phone wrote it.
    pub realm: T,
    /// The contact without angle brackets.
    pub contact: T,
    /// The contact as the phone sent it.
    pub original_contact: T,
    /// The contact of the registration that this one followed.
    pub previous_contact: Option<T>,
    /// Call-ID of the last REGISTER.
    pub call_id: Option<T>,
    /// User-Agent of the last REGISTER that had one.
    pub user_agent: Option<T>,
    /// User part of From.
    pub from_user: Option<T>,
    /// Host part of From.
    pub from_host: T,
    /// User part of To.
    pub to_user: Option<T>,
    /// Host part of To.
    pub to_host: T,
    /// Lifetime in seconds, padding included.
    pub expires: u32,
    /// When it was last refreshed.
    pub last_registration: UnixSeconds,
    /// When this chain of refreshes began.
    pub initial_registration: UnixSeconds,
    /// The proxy.
    pub proxy: Proxy<T>,
    /// The phone's address.
    pub source: Source<T>,
    /// The phone's address as an older relay names it.
    pub network: Source<T>,
    /// Whose it is.
    pub account: AccountData<T>,
    /// Whether its end goes unannounced.
    pub suppress_unregister_notify: bool,
    /// Whether another phone on the AOR is announced.
    pub register_overwrite_notify: bool,
    /// Node that registered it.
    pub registrar_node: Option<T>,
    /// Host of that node.
    pub registrar_hostname: Option<T>,
    /// Zone it was heard in.
    pub zone: Zone,
}

/// A registration with borrowed texts.
pub type View<'a> = Registration<&'a str>;

impl<T: AsRef<str>> Registration<T> {
    /// The key it is stored under.
    pub fn aor(&self) -> Aor {
        Aor::new(self.username.as_ref(), self.realm.as_ref())
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
        self.realm.as_ref().eq_ignore_ascii_case(realm)
            || self
                .account
                .realm
                .as_ref()
                .is_some_and(|own| own.as_ref().eq_ignore_ascii_case(realm))
    }

    /// Where Kazoo bridges a call for it: the user at its realm, by way of the proxy.
    pub fn bridge_ruri(&self) -> Option<String> {
        let path = self.proxy.path.as_ref()?.as_ref();
        let path = path.split(';').next().unwrap_or(path);
        let contact = addr_spec(self.original_contact.as_ref());
        let secure = contact
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("sips:"));
        let scheme = if secure { "sips" } else { "sip" };
        let (username, realm) = (self.username.as_ref(), self.realm.as_ref());
        Some([scheme, ":", username, "@", realm, ";fs_path=", path].concat())
    }
}

impl Registration<&str> {
    /// A copy that owns its texts.
    pub fn to_owned(&self) -> Registration {
        let maybe = |text: Option<&str>| text.map(Text::from);
        let address = |source: &Source<&str>| Source {
            ip: maybe(source.ip),
            port: maybe(source.port),
        };
        Registration {
            username: self.username.into(),
            realm: self.realm.into(),
            contact: self.contact.into(),
            original_contact: self.original_contact.into(),
            previous_contact: maybe(self.previous_contact),
            call_id: maybe(self.call_id),
            user_agent: maybe(self.user_agent),
            from_user: maybe(self.from_user),
            from_host: self.from_host.into(),
            to_user: maybe(self.to_user),
            to_host: self.to_host.into(),
            expires: self.expires,
            last_registration: self.last_registration,
            initial_registration: self.initial_registration,
            proxy: Proxy {
                path: maybe(self.proxy.path),
                ip: maybe(self.proxy.ip),
                port: self.proxy.port,
                protocol: maybe(self.proxy.protocol),
            },
            source: address(&self.source),
            network: address(&self.network),
            account: AccountData {
                id: self.account.id,
                realm: maybe(self.account.realm),
                name: maybe(self.account.name),
                authorizing_id: maybe(self.account.authorizing_id),
                authorizing_type: maybe(self.account.authorizing_type),
                owner_id: maybe(self.account.owner_id),
                presence_id: maybe(self.account.presence_id),
            },
            suppress_unregister_notify: self.suppress_unregister_notify,
            register_overwrite_notify: self.register_overwrite_notify,
            registrar_node: maybe(self.registrar_node),
            registrar_hostname: maybe(self.registrar_hostname),
            zone: self.zone.clone(),
        }
    }
}
