//! Fields that many registrations have in common, held once for all of them.

use registration::{AccountId, Proxy, Registration, Text, Zone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// What the phones of an account in one realm have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct AccountFields {
    /// The account's id, if it is known.
    #[serde(serialize_with = "write_id", deserialize_with = "read_id")]
    pub(crate) id: Option<AccountId>,
    /// The realm as the phones write it.
    pub(crate) realm: Text,
    /// The realm, lower-cased.
    pub(crate) folded_realm: Text,
    /// The account's own realm.
    pub(crate) account_realm: Option<Text>,
    /// The account's own realm, lower-cased; `None` where it equals `folded_realm`.
    pub(crate) folded_account_realm: Option<Text>,
    pub(crate) name: Option<Text>,
    pub(crate) from_host: Text,
    pub(crate) to_host: Text,
}

impl AccountFields {
    pub(crate) fn of(registration: &Registration) -> Self {
        let account = &registration.account;
        let fold = |realm: &Text| Text::from(realm.to_ascii_lowercase());
        let folded_realm = fold(&registration.realm);
        let folded_account_realm = account.realm.as_ref().map(fold);
        Self {
            id: account.id,
            realm: registration.realm.clone(),
            account_realm: account.realm.clone(),
            folded_account_realm: folded_account_realm.filter(|own| *own != folded_realm),
            folded_realm,
            name: account.name.clone(),
            from_host: registration.from_host.clone(),
            to_host: registration.to_host.clone(),
        }
    }

    /// The account's own realm, lower-cased; the phones' realm if the account's is not known.
    pub(crate) fn own_realm(&self) -> &Text {
        let own = self.folded_account_realm.as_ref();
        own.unwrap_or(&self.folded_realm)
    }

    /// Whether registrations with either are found by equal keys of the index.
    pub(crate) fn has_keys_of(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || (self.id == other.id
                && self.folded_realm == other.folded_realm
                && self.folded_account_realm == other.folded_account_realm)
    }

    /// Whether a realm, in any case, is the phones' or the account's.
    pub(crate) fn is_of_realm(&self, realm: &str) -> bool {
        self.folded_realm.eq_ignore_ascii_case(realm)
            || self.own_realm().eq_ignore_ascii_case(realm)
    }
}

/// What phones of one model at one proxy have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ProxyFields {
    #[serde(with = "ProxyFormat")]
    pub(crate) proxy: Proxy,
    pub(crate) node: Option<Text>,
    pub(crate) hostname: Option<Text>,
    #[serde(serialize_with = "write_zone", deserialize_with = "read_zone")]
    pub(crate) zone: Zone,
    pub(crate) user_agent: Option<Text>,
    pub(crate) authorizing_type: Option<Text>,
    pub(crate) suppress_unregister_notify: bool,
    pub(crate) register_overwrite_notify: bool,
}

/// How a snapshot holds a [`Proxy`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Proxy")]
struct ProxyFormat {
    path: Option<Text>,
    ip: Option<Text>,
    port: Option<u16>,
    protocol: Option<Text>,
}

impl ProxyFields {
    pub(crate) fn of(registration: &Registration) -> Self {
        Self {
            proxy: registration.proxy.clone(),
            node: registration.registrar_node.clone(),
            hostname: registration.registrar_hostname.clone(),
            zone: registration.zone.clone(),
            user_agent: registration.user_agent.clone(),
            authorizing_type: registration.account.authorizing_type.clone(),
            suppress_unregister_notify: registration.suppress_unregister_notify,
            register_overwrite_notify: registration.register_overwrite_notify,
        }
    }
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn write_id<S: Serializer>(id: &Option<AccountId>, to: S) -> Result<S::Ok, S::Error> {
    id.as_ref().map(AccountId::as_str).serialize(to)
}

fn read_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<AccountId>, D::Error> {
    let id = Option::<&str>::deserialize(from)?;
    id.map(AccountId::parse)
        .transpose()
        .map_err(D::Error::custom)
}

fn write_zone<S: Serializer>(zone: &Zone, to: S) -> Result<S::Ok, S::Error> {
    zone.as_str().serialize(to)
}

fn read_zone<'de, D: Deserializer<'de>>(from: D) -> Result<Zone, D::Error> {
    <&str>::deserialize(from).map(Zone::new)
}
