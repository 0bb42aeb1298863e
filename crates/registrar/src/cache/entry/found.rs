//! A registration as it was found in the cache.

use std::sync::Arc;

use registration::{AccountId, Aor, Registration, Text, UnixSeconds, View, Zone, check_flushable};

use super::{stored::Entry, texts::Field};

/// A registration as it was when it was found: a refresh that comes later does not change it.
#[derive(Clone, Debug)]
pub struct EntryRef {
    entry: Arc<Entry>,
    last: UnixSeconds,
}

impl EntryRef {
    pub(in crate::cache) fn new(entry: Arc<Entry>) -> Self {
        let last = entry.last();
        Self { entry, last }
    }

    /// SIP username, as the phone wrote it.
    pub fn username(&self) -> &str {
        self.entry.text(Field::Username).unwrap_or_default()
    }

    /// SIP realm, as the phone wrote it.
    pub fn realm(&self) -> &str {
        &self.entry.account().realm
    }

    /// The realm as the phone wrote it, shared.
    pub(crate) fn realm_text(&self) -> &Text {
        &self.entry.account().realm
    }

    /// The key it is stored under.
    pub fn aor(&self) -> Aor {
        self.entry.aor().clone()
    }

    /// When it was last refreshed.
    pub fn last_registration(&self) -> UnixSeconds {
        self.last
    }

    /// Whether a realm, in any case, is its own or its account's.
    pub fn is_of_realm(&self, realm: &str) -> bool {
        self.entry.account().is_of_realm(realm)
    }

    /// The node it was heard from.
    pub(crate) fn node(&self) -> Option<&Text> {
        self.entry.proxy().node.as_ref()
    }

    /// The contact as the phone sent it.
    pub(crate) fn original_contact(&self) -> &str {
        self.entry.text(Field::OriginalContact).unwrap_or_default()
    }

    /// Zone it was heard in.
    pub fn zone(&self) -> &Zone {
        &self.entry.proxy().zone
    }

    /// User-Agent of the phone.
    pub fn user_agent(&self) -> Option<&str> {
        self.entry.proxy().user_agent.as_deref()
    }

    /// Id of the account, if it is known.
    pub fn account(&self) -> Option<&AccountId> {
        self.entry.account().id.as_ref()
    }

    /// Name of the account.
    pub fn account_name(&self) -> Option<&str> {
        self.entry.account().name.as_deref()
    }

    /// Realm of the account.
    pub fn account_realm(&self) -> Option<&str> {
        self.entry.account().account_realm.as_deref()
    }

    /// Whether its account or its device is not known.
    pub(crate) fn lacks_data(&self) -> bool {
        self.account().is_none() || self.entry.text(Field::AuthorizingId).is_none()
    }

    /// Whether its names may be sent to the proxies.
    pub(crate) fn is_flushable(&self) -> bool {
        check_flushable(self.username()).is_ok() && check_flushable(self.realm()).is_ok()
    }

    /// Whether nothing was heard of the binding between this look-up and another.
    pub(crate) fn is_unchanged_in(&self, later: &Self) -> bool {
        self.last == later.last && self.original_contact() == later.original_contact()
    }

    /// All of it, borrowed.
    pub fn view(&self) -> View<'_> {
        self.entry.view(self.last)
    }

    /// All of it, copied.
    pub fn registration(&self) -> Registration {
        self.view().to_owned()
    }

    /// A digest of all it holds, but for [`EntryRef::last_registration`]; equal on every node.
    pub fn digest(&self) -> &[u8; 16] {
        self.entry.digest()
    }

    pub(crate) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }
}
