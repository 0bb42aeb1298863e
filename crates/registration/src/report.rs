//! What one `reg_success` event said.

use crate::{AccountData, Proxy, Source, Text, UnixSeconds, Zone};

/// How long a registration is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// `Expires: 0`: the binding is gone.
    Ended,
    /// Seconds from the event's time; at least 1.
    Seconds(u32),
}

/// What kind of word a report is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A phone did something.
    #[default]
    Event,
    /// A proxy was asked and says that a binding stands, not since when.
    Statement,
    /// A proxy was asked and says since when a binding stands.
    Record,
}

/// One registration event, read and typed but not yet judged. What it did not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// SIP username, as the phone wrote it.
    pub username: Text,
    /// SIP realm, as the phone wrote it.
    pub realm: Text,
    /// When it happened, by the sender's clock.
    pub time: UnixSeconds,
    /// How long it lives from then.
    pub lifetime: Lifetime,
    /// Whether something happened or is merely so.
    pub origin: Origin,
    /// First-Registration: of a register, that the binding is a new one; of an unregister, that
    /// there was none to end.
    pub first: Option<bool>,
    /// The contact as the phone sent it: Original-Contact where given, else Contact.
    pub contact: Text,
    /// Call-ID of the REGISTER.
    pub call_id: Option<Text>,
    /// User-Agent of the REGISTER.
    pub user_agent: Option<Text>,
    /// User part of From.
    pub from_user: Option<Text>,
    /// Host part of From.
    pub from_host: Option<Text>,
    /// User part of To.
    pub to_user: Option<Text>,
    /// Host part of To.
    pub to_host: Option<Text>,
    /// The proxy it came through.
    pub proxy: Proxy,
    /// The address it came from.
    pub source: Source,
    /// The address as an older relay names it (Network-IP, Network-Port).
    pub network: Source,
    /// Whose phone it is.
    pub account: AccountData,
    /// Whether the end of this registration goes unannounced.
    pub suppress_unregister_notify: Option<bool>,
    /// Whether another phone on the AOR is announced.
    pub register_overwrite_notify: Option<bool>,
    /// Node that registered it.
    pub registrar_node: Option<Text>,
    /// Host of that node.
    pub registrar_hostname: Option<Text>,
    /// Zone the event names, where it names one.
    pub zone: Option<Zone>,
    /// The contact before this one, where the sender knows it.
    pub previous_contact: Option<Text>,
    /// First registration of this binding, where the sender knows it.
    pub initial_registration: Option<UnixSeconds>,
    /// Last registration, where it is another moment than the event's (in replays).
    pub last_registration: Option<UnixSeconds>,
}
