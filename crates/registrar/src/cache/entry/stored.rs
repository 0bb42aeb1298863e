//! A registration as the cache holds it.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};

use parking_lot::Mutex;
use registration::{
    AccountData, Aor, Balance, BindingHistory, Proxy, Registration, Source, UnixMillis,
    UnixSeconds, View,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    fields::{AccountFields, ProxyFields},
    texts::{Field, Texts},
};

/// A live registration. Nothing of it changes but the time of its last refresh and its history: all
/// else makes a new entry.
#[derive(Debug)]
pub(crate) struct Entry {
    aor: Aor,
    account: Arc<AccountFields>,
    proxy: Arc<ProxyFields>,
    texts: Texts,
    /// Fingerprint of the message that made it; 0 if a message that repeats it has to be parsed.
    fingerprint: u64,
    /// Lifetime in seconds, padding included.
    expires: u32,
    /// Unix seconds in which this chain of refreshes began.
    initial: u32,
    /// Unix seconds of the last refresh.
    last: AtomicU32,
    history: Mutex<History>,
    digest: OnceLock<[u8; 16]>,
}

/// An AOR's binding history, kept small where it is of the entry's own binding in the second of its
/// last refresh: nearly always.
#[derive(Debug)]
enum History {
    Unknown,
    Own(i8),
    Other(Box<BindingHistory>),
}

/// An entry as a snapshot holds it: without what it shares, its history and its fingerprint.
#[derive(Serialize, Deserialize)]
pub(crate) struct EntryRecord<T> {
    /// Number of its [`AccountFields`] in the snapshot.
    pub(crate) account: u32,
    /// Number of its [`ProxyFields`] in the snapshot.
    pub(crate) proxy: u32,
    texts: Texts<T>,
    expires: u32,
    initial: u32,
    last: u32,
}

impl Entry {
    pub(in crate::cache) fn new(
        registration: &Registration,
        account: Arc<AccountFields>,
        proxy: Arc<ProxyFields>,
        fingerprint: u64,
    ) -> Self {
        let r = registration;
        let texts = Texts::of(&[
            // First, since others mostly stand within it.
            (Field::OriginalContact, Some(&r.original_contact)),
            (Field::Contact, Some(&r.contact)),
            (Field::PreviousContact, r.previous_contact.as_ref()),
            (Field::Username, Some(&r.username)),
            (Field::CallId, r.call_id.as_ref()),
            (Field::FromUser, r.from_user.as_ref()),
            (Field::ToUser, r.to_user.as_ref()),
            (Field::SourceIp, r.source.ip.as_ref()),
            (Field::SourcePort, r.source.port.as_ref()),
            (Field::NetworkIp, r.network.ip.as_ref()),
            (Field::NetworkPort, r.network.port.as_ref()),
            (Field::AuthorizingId, r.account.authorizing_id.as_ref()),
            (Field::OwnerId, r.account.owner_id.as_ref()),
            (Field::PresenceId, r.account.presence_id.as_ref()),
        ]);
        let record = EntryRecord {
            account: 0,
            proxy: 0,
            texts,
            expires: r.expires,
            initial: seconds(r.initial_registration),
            last: seconds(r.last_registration),
        };
        Self {
            fingerprint,
            ..Self::from_record(record, account, proxy)
        }
    }

    /// The entry of a record, with the shared fields that the record numbers.
    pub(crate) fn from_record(
        record: EntryRecord<Box<str>>,
        account: Arc<AccountFields>,
        proxy: Arc<ProxyFields>,
    ) -> Self {
        Self {
            aor: Aor::new(record.texts.required(Field::Username), &account.realm),
            account,
            proxy,
            texts: record.texts,
            fingerprint: 0,
            expires: record.expires,
            initial: record.initial,
            last: AtomicU32::new(record.last),
            history: Mutex::new(History::Unknown),
            digest: OnceLock::new(),
        }
    }

    /// The record of the entry, with the numbers of its shared fields.
    pub(crate) fn record(&self, account: u32, proxy: u32) -> EntryRecord<&str> {
        EntryRecord {
            account,
            proxy,
            texts: self.texts.borrowed(),
            expires: self.expires,
            initial: self.initial,
            last: self.last.load(Ordering::Relaxed),
        }
    }

    pub(in crate::cache) fn aor(&self) -> &Aor {
        &self.aor
    }

    pub(crate) fn account(&self) -> &Arc<AccountFields> {
        &self.account
    }

    pub(crate) fn proxy(&self) -> &Arc<ProxyFields> {
        &self.proxy
    }

    pub(super) fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(field)
    }

    pub(in crate::cache) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(super) fn last(&self) -> UnixSeconds {
        UnixSeconds(u64::from(self.last.load(Ordering::Relaxed)))
    }

    /// The moment it ends; a refresh puts it off.
    pub(in crate::cache) fn end(&self) -> UnixMillis {
        end(self.last(), self.expires)
    }

    /// Whether it has not ended at `now`.
    pub(in crate::cache) fn is_live(&self, now: UnixMillis) -> bool {
        now < self.end()
    }

    /// When its AOR's binding last began or ended, as far as it is known.
    pub(in crate::cache) fn history(&self) -> Option<BindingHistory> {
        match &*self.history.lock() {
            History::Unknown => None,
            History::Own(balance) => Some(BindingHistory {
                second: self.last(),
                contact: self.texts.required(Field::OriginalContact).into(),
                node: self.proxy.node.clone(),
                balance: Balance::Counted(*balance),
            }),
            History::Other(history) => Some((**history).clone()),
        }
    }

    /// Keeps the AOR's history. The caller holds the AOR's lock.
    pub(in crate::cache) fn set_history(&self, history: Option<BindingHistory>) {
        *self.history.lock() = match history {
            None => History::Unknown,
            Some(history) => match history.balance {
                Balance::Counted(balance) if self.is_own(&history) => History::Own(balance),
                _ => History::Other(Box::new(history)),
            },
        };
    }

    fn is_own(&self, history: &BindingHistory) -> bool {
        history.second == self.last()
            && *history.contact == *self.texts.required(Field::OriginalContact)
            && history.node == self.proxy.node
    }

    /// Takes a refresh at `time` that says what the last message said: does what
    /// [`registration::decide`] would do. False if it takes the rules to judge it. The caller holds
    /// the AOR's lock.
    pub(in crate::cache) fn refresh(
        &self,
        time: UnixSeconds,
        now: UnixMillis,
        padding: u32,
    ) -> bool {
        let mut history = self.history.lock();
        let History::Own(balance) = &mut *history else {
            return false;
        };
        let last = self.last();
        let Ok(second) = u32::try_from(time.0) else {
            return false;
        };
        let is_next = last < time && time <= now.seconds();
        if !is_next || !self.is_live(now) || now >= end(time, self.expires) {
            return false;
        }
        // At the proxy it ends without the padding.
        let lifetime = u64::from(self.expires.saturating_sub(padding));
        *balance = i8::from(time.0 < last.0 + lifetime);
        self.last.store(second, Ordering::Relaxed);
        true
    }

    pub(super) fn view(&self, last: UnixSeconds) -> View<'_> {
        let (account, proxy, texts) = (&*self.account, &*self.proxy, &self.texts);
        Registration {
            username: texts.required(Field::Username),
            realm: &account.realm,
            contact: texts.required(Field::Contact),
            original_contact: texts.required(Field::OriginalContact),
            previous_contact: texts.get(Field::PreviousContact),
            call_id: texts.get(Field::CallId),
            user_agent: proxy.user_agent.as_deref(),
            from_user: texts.get(Field::FromUser),
            from_host: &account.from_host,
            to_user: texts.get(Field::ToUser),
            to_host: &account.to_host,
            expires: self.expires,
            last_registration: last,
            initial_registration: UnixSeconds(u64::from(self.initial)),
            proxy: Proxy {
                path: proxy.proxy.path.as_deref(),
                ip: proxy.proxy.ip.as_deref(),
                port: proxy.proxy.port,
                protocol: proxy.proxy.protocol.as_deref(),
            },
            source: Source {
                ip: texts.get(Field::SourceIp),
                port: texts.get(Field::SourcePort),
            },
            network: Source {
                ip: texts.get(Field::NetworkIp),
                port: texts.get(Field::NetworkPort),
            },
            account: AccountData {
                id: account.id,
                realm: account.account_realm.as_deref(),
                name: account.name.as_deref(),
                authorizing_id: texts.get(Field::AuthorizingId),
                authorizing_type: proxy.authorizing_type.as_deref(),
                owner_id: texts.get(Field::OwnerId),
                presence_id: texts.get(Field::PresenceId),
            },
            suppress_unregister_notify: proxy.suppress_unregister_notify,
            register_overwrite_notify: proxy.register_overwrite_notify,
            registrar_node: proxy.node.as_deref(),
            registrar_hostname: proxy.hostname.as_deref(),
            zone: proxy.zone.clone(),
        }
    }

    /// A digest of all that a refresh leaves as it is, equal on every node.
    pub(super) fn digest(&self) -> &[u8; 16] {
        self.digest.get_or_init(|| {
            let view = self.view(UnixSeconds(0));
            // `Debug` shows every field, texts quoted, so that no two registrations look alike.
            let digest = Sha256::digest(format!("{view:?}"));
            let (half, _) = digest.split_at(16);
            half.try_into().unwrap_or_default()
        })
    }
}

fn end(last: UnixSeconds, expires: u32) -> UnixMillis {
    last.millis().plus_seconds(u64::from(expires))
}

/// Unix seconds in four bytes, which last until the year 2106.
fn seconds(time: UnixSeconds) -> u32 {
    u32::try_from(time.0).unwrap_or(u32::MAX)
}
