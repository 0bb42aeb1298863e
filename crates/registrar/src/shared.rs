//! What many phones have in common, held once for all of them.

use std::{
    hash::{Hash, Hasher},
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use registration::{AccountId, Proxy, Registration, Text, Zone};

use crate::packed::{Reader, optional, text};

/// What phones of the same account and realm have in common. In this order, what is looked at for
/// every question stands together, in one line of the processor's cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct Owner {
    /// How often one of them has said the same again that was watched.
    pub(crate) refreshes: Aside<Count>,
    /// Lower-cased.
    pub(crate) folded_realm: Text,
    /// Lower-cased; `None` where it is the realm itself.
    pub(crate) folded_account_realm: Option<Text>,
    /// As phones write it.
    pub(crate) realm: Text,
    pub(crate) account: Option<AccountId>,
    pub(crate) account_realm: Option<Text>,
    pub(crate) account_name: Option<Text>,
    pub(crate) from_host: Text,
    pub(crate) to_host: Text,
    /// The owner of those of the same realm who are registered no more.
    unowned: Aside<OnceLock<Arc<Owner>>>,
}

/// What makes no difference between two that have it: they are the same without, and a copy begins
/// anew.
#[derive(Debug, Default)]
pub(crate) struct Aside<T>(T);

impl<T> Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default> Clone for Aside<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> PartialEq for Aside<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Aside<T> {}

impl<T> Hash for Aside<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// How often something has happened.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// What was done before is seen by whoever sees it counted.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Owner {
    pub(crate) fn of(registration: &Registration) -> Self {
        let account = &registration.account;
        let realm = &registration.realm;
        // Mostly they are all the same.
        let once = |text: &Text| if text == realm { realm } else { text }.clone();
        let folded_realm = fold(realm);
        let folded_account_realm = account.realm.as_ref().map(fold);
        Self {
            realm: realm.clone(),
            account: account.id,
            account_realm: account.realm.as_ref().map(once),
            folded_account_realm: folded_account_realm.filter(|own| *own != folded_realm),
            folded_realm,
            account_name: account.name.clone(),
            from_host: once(&registration.from_host),
            to_host: once(&registration.to_host),
            refreshes: Aside::default(),
            unowned: Aside::default(),
        }
    }

    /// The account's realm, lower-cased.
    pub(crate) fn own_realm(&self) -> &Text {
        (self.folded_account_realm.as_ref()).unwrap_or(&self.folded_realm)
    }

    /// For a snapshot.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        text(&self.realm, out);
        let account = self.account.as_ref().map(AccountId::as_str);
        let texts = [
            account,
            self.account_realm.as_deref(),
            self.account_name.as_deref(),
        ];
        for value in texts {
            optional(value, out);
        }
        text(&self.from_host, out);
        text(&self.to_host, out);
    }

    /// What [`Owner::write`] wrote.
    pub(crate) fn read(from: &mut Reader<'_>) -> Self {
        let realm: Text = from.text();
        let account: Option<Text> = from.maybe();
        let account_realm = from.maybe();
        let account_name = from.maybe();
        let account = account.and_then(|id| {
            let id = AccountId::parse(&id).ok();
            from.is_broken |= id.is_none();
            id
        });
        let mut owner = Self::nobodys(&realm);
        owner.account = account;
        let folded = account_realm.as_ref().map(fold);
        owner.folded_account_realm = folded.filter(|own| *own != owner.folded_realm);
        owner.account_realm = account_realm;
        owner.account_name = account_name;
        owner.from_host = from.text();
        owner.to_host = from.text();
        // An AOR's realm is what stands behind its last `@`.
        from.is_broken |= owner.realm.is_empty() || owner.realm.contains('@');
        owner
    }

    /// Of a realm whose phone is registered no more.
    pub(crate) fn nobodys(realm: &str) -> Self {
        let realm: Text = realm.into();
        Self {
            folded_realm: fold(&realm),
            realm,
            account: None,
            account_realm: None,
            folded_account_realm: None,
            account_name: None,
            from_host: "".into(),
            to_host: "".into(),
            refreshes: Aside::default(),
            unowned: Aside::default(),
        }
    }

    /// The owner of those of the same realm who are registered no more, which `share` finds the first
    /// time.
    pub(crate) fn unowned(self: &Arc<Self>, share: impl FnOnce(Self) -> Arc<Self>) -> Arc<Self> {
        // One that led to itself would never go.
        if self.is_nobodys() {
            return Arc::clone(self);
        }
        let first = || share(Self::nobodys(&self.realm));
        let unowned = self.unowned.get_or_init(first);
        Arc::clone(unowned)
    }

    fn is_nobodys(&self) -> bool {
        let names = [
            &self.account_realm,
            &self.folded_account_realm,
            &self.account_name,
        ];
        self.account.is_none()
            && names.iter().all(|name| name.is_none())
            && self.from_host.is_empty()
            && self.to_host.is_empty()
    }

    /// Whether it is found by the same keys.
    pub(crate) fn has_keys_of(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || (
                &self.folded_realm,
                &self.account,
                &self.folded_account_realm,
            ) == (
                &other.folded_realm,
                &other.account,
                &other.folded_account_realm,
            )
    }

    /// Whether `realm` is its own or its account's, in any case.
    pub(crate) fn is_of_realm(&self, realm: &str) -> bool {
        self.realm.eq_ignore_ascii_case(realm)
            || (self.account_realm.as_ref()).is_some_and(|own| own.eq_ignore_ascii_case(realm))
    }
}

fn fold(realm: &Text) -> Text {
    if realm.bytes().any(|byte| byte.is_ascii_uppercase()) {
        realm.to_ascii_lowercase().into()
    } else {
        realm.clone()
    }
}

/// What phones of the same kind at the same proxy have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gear {
    pub(crate) user_agent: Option<Text>,
    pub(crate) proxy: Proxy,
    pub(crate) node: Option<Text>,
    pub(crate) hostname: Option<Text>,
    pub(crate) zone: Zone,
    pub(crate) authorizing_type: Option<Text>,
    pub(crate) suppress_unregister_notify: bool,
    pub(crate) register_overwrite_notify: bool,
}

impl Default for Gear {
    fn default() -> Self {
        Self {
            user_agent: None,
            proxy: Proxy::default(),
            node: None,
            hostname: None,
            zone: Zone::new(""),
            authorizing_type: None,
            suppress_unregister_notify: false,
            register_overwrite_notify: false,
        }
    }
}

impl Gear {
    pub(crate) fn of(registration: &Registration) -> Self {
        Self {
            user_agent: registration.user_agent.clone(),
            proxy: registration.proxy.clone(),
            node: registration.registrar_node.clone(),
            hostname: registration.registrar_hostname.clone(),
            zone: registration.zone.clone(),
            authorizing_type: registration.account.authorizing_type.clone(),
            suppress_unregister_notify: registration.suppress_unregister_notify,
            register_overwrite_notify: registration.register_overwrite_notify,
        }
    }

    /// For a snapshot.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let port = self.proxy.port.map(|port| port.to_string());
        let texts = [
            self.user_agent.as_deref(),
            self.proxy.path.as_deref(),
            self.proxy.ip.as_deref(),
            port.as_deref(),
            self.proxy.protocol.as_deref(),
            self.node.as_deref(),
            self.hostname.as_deref(),
            Some(self.zone.as_str()),
            self.authorizing_type.as_deref(),
        ];
        for value in texts {
            optional(value, out);
        }
        out.push(u8::from(self.suppress_unregister_notify));
        out.push(u8::from(self.register_overwrite_notify));
    }

    /// What [`Gear::write`] wrote.
    pub(crate) fn read(from: &mut Reader<'_>) -> Self {
        let user_agent = from.maybe();
        let (path, ip) = (from.maybe(), from.maybe());
        let port = from.maybe().and_then(|port: Text| {
            let port = port.parse().ok();
            from.is_broken |= port.is_none();
            port
        });
        let protocol = from.maybe();
        let (node, hostname) = (from.maybe(), from.maybe());
        Self {
            user_agent,
            proxy: Proxy {
                path,
                ip,
                port,
                protocol,
            },
            node,
            hostname,
            zone: Zone::new(&from.text::<Text>()),
            authorizing_type: from.maybe(),
            suppress_unregister_notify: from.flag(),
            register_overwrite_notify: from.flag(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_leads_to_its_realms_unowned_and_that_to_nobody() {
        let mut owner = Owner::nobodys("a.example.com");
        owner.account_name = Some("Acme".into());
        let unowned = Arc::new(owner).unowned(Arc::new);
        assert_eq!(*unowned, Owner::nobodys("a.example.com"));
        let same = unowned.unowned(Arc::new);
        assert!(Arc::ptr_eq(&unowned, &same));
        assert_eq!(Arc::strong_count(&same), 2, "not by itself");
    }
}
