//! A registration as it was found in the table.

use registration::{AccountId, Aor, Registration, Text, UnixSeconds, View, Zone, check_flushable};

use crate::{packed::Times, slot::Slot};

/// A registration of the table, as it was when it was looked up: a few bytes, whatever it holds.
#[derive(Clone, Debug)]
pub struct Held {
    slot: Slot,
    times: Times,
}

impl Held {
    pub(crate) fn new(slot: Slot) -> Self {
        let times = slot.times();
        Self { slot, times }
    }

    pub(crate) fn at(slot: Slot, times: Times) -> Self {
        Self { slot, times }
    }

    pub(crate) fn times(&self) -> Times {
        self.times
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// SIP username, as the phone wrote it.
    pub fn username(&self) -> std::borrow::Cow<'_, str> {
        self.slot.username()
    }

    /// SIP realm, as the phone wrote it.
    pub fn realm(&self) -> &str {
        self.slot.realm()
    }

    /// The key it is stored under.
    pub fn aor(&self) -> Aor {
        self.slot.aor()
    }

    /// When it was last refreshed.
    pub fn last_registration(&self) -> UnixSeconds {
        UnixSeconds(u64::from(self.times.last))
    }

    /// Whether `realm` is its own or its account's, in any case.
    pub fn is_of_realm(&self, realm: &str) -> bool {
        self.slot.owner().is_of_realm(realm)
    }

    /// The node it was heard from.
    pub(crate) fn node(&self) -> Option<&Text> {
        self.slot.gear().node.as_ref()
    }

    /// The contact as the phone sent it.
    pub(crate) fn contact(&self) -> Text {
        self.slot.binding().0
    }

    /// Zone it was heard in.
    pub fn zone(&self) -> &Zone {
        &self.slot.gear().zone
    }

    /// What the phone says it is.
    pub fn user_agent(&self) -> Option<&str> {
        self.slot.gear().user_agent.as_deref()
    }

    /// Whose phone it is, as far as it is known.
    pub fn account(&self) -> Option<&AccountId> {
        self.slot.owner().account.as_ref()
    }

    /// The account's name.
    pub fn account_name(&self) -> Option<&str> {
        self.slot.owner().account_name.as_deref()
    }

    /// The account's realm.
    pub fn account_realm(&self) -> Option<&str> {
        self.slot.owner().account_realm.as_deref()
    }

    /// Whether it is not known whose it is, or by which device.
    pub(crate) fn lacks_data(&self) -> bool {
        self.account().is_none() || !self.slot.has_device()
    }

    /// Whether its names may be sent to the proxies.
    pub(crate) fn is_flushable(&self) -> bool {
        check_flushable(&self.username()).is_ok() && check_flushable(self.realm()).is_ok()
    }

    /// All of it.
    pub fn registration(&self) -> Registration {
        self.slot.registration(self.times)
    }

    /// The same, only to be looked at: what stands there as it is, is not copied.
    pub fn view(&self) -> View<'_> {
        self.slot.view(self.times)
    }
}
