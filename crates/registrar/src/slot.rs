//! What the table holds of an AOR: one allocation, shared by whoever looks at it.
//!
//! A slot never changes but for the time of its last refresh and what its ledger says of it: whatever
//! else is new about a registration makes a new slot, that takes the old one's place.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use registration::{Aor, Balance, Ledger, Registration, Text, UnixMillis, UnixSeconds, View};
use triomphe::ThinArc;

use crate::{
    capacity::Kind,
    fetch::fetch,
    packed::{self, Reader, Times},
    shared::{Gear, Owner},
};

/// Tells one stay of an AOR in the table from the next, and the leases of a stay from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stay(u64);

impl Stay {
    /// How many bits tell its leases apart.
    const LEASES: u32 = 16;

    /// The stay of this number, with its first lease.
    pub(crate) fn of(number: u64) -> Self {
        Self(number << Self::LEASES)
    }

    /// Its number, whichever the lease.
    pub(crate) fn number(self) -> u64 {
        self.0 >> Self::LEASES
    }

    /// The same stay with another lease, in place of all that it has had.
    pub(crate) fn with_next_lease(self) -> Self {
        let next = self.0.wrapping_add(1);
        let own = u64::MAX << Self::LEASES;
        Self(self.0 & own | next & !own)
    }
}

/// What a message said, but for what differs from one refresh to the next; 0 for none.
pub(crate) type Fingerprint = u64;

/// In this order, what a refresh looks at stands together, in one line of the processor's cache.
#[repr(C)]
struct Head {
    /// A message that says this again, only later, changes nothing but the time.
    fingerprint: Fingerprint,
    /// When it was last refreshed.
    last: AtomicU32,
    /// The ledger, and whether somebody is registered, as [`Told`].
    told: AtomicU32,
    initial: u32,
    expires: u32,
    stay: Stay,
    owner: Arc<Owner>,
    gear: Arc<Gear>,
}

/// What is held of an AOR.
#[derive(Clone)]
pub(crate) struct Slot(ThinArc<Head, u8>);

/// A ledger in a word: the balance, what kind it is, and whether it is the registration's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    balance: Option<Balance>,
    /// It is of another binding than the registration, or of another second than its last refresh;
    /// which, stands behind the registration.
    is_foreign: bool,
    kind: Kind,
    /// The next refresh is to be counted.
    is_watched: bool,
}

impl Told {
    const FOREIGN: u8 = 1;
    const WATCHED: u8 = 2;
    /// The word with nothing but that flag.
    const WATCHED_WORD: u32 = u32::from_le_bytes([0, 0, Self::WATCHED, 0]);

    fn pack(self) -> u32 {
        let (tag, count) = match self.balance {
            None => (0, 0),
            Some(Balance::Told(count)) => (1, count),
            Some(Balance::Closed) => (2, 0),
            Some(Balance::Reopened) => (3, 0),
        };
        let [count] = count.to_ne_bytes();
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(self.is_foreign, Self::FOREIGN) | flag(self.is_watched, Self::WATCHED);
        let is_live = u8::from(self.kind == Kind::Live);
        u32::from_le_bytes([count, tag, flags, is_live])
    }

    fn unpack(word: u32) -> Self {
        let [count, tag, flags, live] = word.to_le_bytes();
        Self {
            balance: match tag {
                1 => Some(Balance::Told(i8::from_ne_bytes([count]))),
                2 => Some(Balance::Closed),
                3 => Some(Balance::Reopened),
                _ => None,
            },
            is_foreign: flags & Self::FOREIGN != 0,
            kind: match live {
                0 => Kind::Remembered,
                _ => Kind::Live,
            },
            is_watched: flags & Self::WATCHED != 0,
        }
    }
}

/// All that makes a slot of a registration.
pub(crate) struct Making<'a> {
    pub(crate) stay: Stay,
    pub(crate) owner: Arc<Owner>,
    pub(crate) gear: Arc<Gear>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) ledger: Option<&'a Ledger>,
}

impl Slot {
    /// Of somebody who is registered.
    pub(crate) fn live(registration: &Registration, making: Making<'_>) -> Self {
        let mut bytes = Vec::with_capacity(256);
        packed::write(registration, &mut bytes);
        let own = (
            &registration.original_contact,
            registration.registrar_node.as_ref(),
        );
        let times = Times::of(registration);
        let is_foreign = making.ledger.is_some_and(|ledger| {
            ledger.binding() != own || packed::seconds(ledger.second()) != times.last
        });
        if let Some(ledger) = making.ledger.filter(|_| is_foreign) {
            write_ledger(ledger, &mut bytes);
        }
        Self::new(making, times, Kind::Live, is_foreign, &bytes)
    }

    /// The memory of somebody who is registered no more.
    pub(crate) fn remembered(username: &str, until: UnixMillis, making: Making<'_>) -> Self {
        let mut bytes = Vec::with_capacity(64);
        packed::text(username, &mut bytes);
        if let Some(ledger) = making.ledger {
            write_ledger(ledger, &mut bytes);
        }
        let times = Times {
            initial: 0,
            last: packed::seconds(until.seconds()),
            expires: 0,
        };
        Self::new(making, times, Kind::Remembered, true, &bytes)
    }

    /// Of somebody who is registered, as [`Slot::packed`] has told of it; `None` if that is none.
    pub(crate) fn from_packed(times: Times, bytes: &[u8], making: Making<'_>) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        reader.skip_registration();
        let is_sound = !reader.is_broken && reader.left.is_empty();
        is_sound.then(|| Self::new(making, times, Kind::Live, false, bytes))
    }

    fn new(making: Making<'_>, times: Times, kind: Kind, is_foreign: bool, bytes: &[u8]) -> Self {
        let told = Told {
            balance: making.ledger.map(Ledger::balance),
            is_foreign,
            kind,
            is_watched: false,
        };
        let head = Head {
            stay: making.stay,
            owner: making.owner,
            gear: making.gear,
            fingerprint: making.fingerprint,
            told: AtomicU32::new(told.pack()),
            last: AtomicU32::new(times.last),
            initial: times.initial,
            expires: times.expires,
        };
        Self(ThinArc::from_header_and_slice(head, bytes))
    }

    fn head(&self) -> &Head {
        &self.0.header.header
    }

    fn bytes(&self) -> &[u8] {
        &self.0.slice
    }

    pub(crate) fn stay(&self) -> Stay {
        self.head().stay
    }

    fn told(&self) -> Told {
        Told::unpack(self.head().told.load(Ordering::Relaxed))
    }

    pub(crate) fn kind(&self) -> Kind {
        self.told().kind
    }

    pub(crate) fn owner(&self) -> &Arc<Owner> {
        &self.head().owner
    }

    pub(crate) fn gear(&self) -> &Arc<Gear> {
        &self.head().gear
    }

    pub(crate) fn username(&self) -> Cow<'_, str> {
        packed::username(self.bytes())
    }

    pub(crate) fn realm(&self) -> &str {
        &self.head().owner.realm
    }

    /// Whether somebody who is registered is known to have done it by a certain device.
    pub(crate) fn has_device(&self) -> bool {
        packed::has_device(self.bytes())
    }

    pub(crate) fn aor(&self) -> Aor {
        Aor::new(&self.username(), self.realm())
    }

    /// Whether it is of this AOR, in any case.
    pub(crate) fn is_of(&self, username: &str, realm: &str) -> bool {
        self.realm().eq_ignore_ascii_case(realm) && self.username().eq_ignore_ascii_case(username)
    }

    pub(crate) fn times(&self) -> Times {
        let head = self.head();
        Times {
            initial: head.initial,
            last: head.last.load(Ordering::Relaxed),
            expires: head.expires,
        }
    }

    /// When it may be forgotten.
    pub(crate) fn until(&self) -> UnixMillis {
        UnixSeconds(self.times().end()).millis()
    }

    /// Whether it is of somebody who is registered at `now`.
    pub(crate) fn is_live(&self, now: UnixMillis) -> bool {
        self.kind() == Kind::Live && now < self.until()
    }

    /// The registration of a slot that is live, with its times as they were.
    pub(crate) fn registration(&self, times: Times) -> Registration {
        let head = self.head();
        packed::read(self.bytes(), &head.owner, &head.gear, times)
    }

    /// The same, only to be looked at.
    pub(crate) fn view(&self, times: Times) -> View<'_> {
        let head = self.head();
        packed::read(self.bytes(), &head.owner, &head.gear, times)
    }

    /// What was last told of beginnings and ends; `live` is the slot's registration, if it has one.
    pub(crate) fn ledger(&self, live: Option<&Registration>) -> Option<Ledger> {
        let told = self.told();
        let balance = told.balance?;
        if told.is_foreign {
            return Some(self.foreign(balance));
        }
        let (contact, node) = match live {
            Some(live) => (live.original_contact.clone(), live.registrar_node.clone()),
            None => self.binding(),
        };
        let second = UnixSeconds(u64::from(self.times().last));
        Some(Ledger::of(second, contact, node, balance))
    }

    /// The ledger that stands behind the registration.
    fn foreign(&self, balance: Balance) -> Ledger {
        let mut rest = self.behind();
        let second = UnixSeconds(u64::from(rest.number()));
        let (contact, node) = (rest.text(), rest.maybe());
        Ledger::of(second, contact, node, balance)
    }

    /// The contact as the phone sent it, and the node it was heard from, of a slot that is live.
    pub(crate) fn binding(&self) -> (Text, Option<Text>) {
        let contact = packed::contact_of(self.bytes());
        (contact, self.gear().node.clone())
    }

    /// What stands behind the registration, or behind the name of who has none.
    fn behind(&self) -> Reader<'_> {
        let mut reader = Reader::new(self.bytes());
        match self.kind() {
            Kind::Live => reader.skip_registration(),
            Kind::Remembered => drop(reader.text::<Text>()),
        }
        reader
    }

    /// What is a phone's own, for [`Slot::from_packed`]: without its ledger.
    pub(crate) fn packed(&self) -> &[u8] {
        let bytes = self.bytes();
        if !self.told().is_foreign {
            return bytes;
        }
        let ledger = self.behind().left.len();
        bytes
            .get(..bytes.len().saturating_sub(ledger))
            .unwrap_or(bytes)
    }

    /// Has what a refresh looks at fetched from memory, without waiting for it.
    pub(crate) fn fetch(&self) {
        fetch(self.head());
    }

    /// What the message that made it said.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.head().fingerprint
    }

    /// Does what a message does that says the same as the one before, only later: what
    /// [`registration::decide`] would come to. False if it takes more than that to judge it. To be
    /// called by whoever has the slot's shard to himself.
    pub(crate) fn refresh(&self, time: UnixSeconds, now: UnixMillis, padding: u32) -> bool {
        let head = self.head();
        let times = self.times();
        let Ok(second) = u32::try_from(time.0) else {
            return false;
        };
        let told = self.told();
        let is_next = matches!(told.balance, Some(Balance::Told(_)))
            && !told.is_foreign
            && times.last < second
            && time <= now.seconds();
        let refreshed = Times {
            last: second,
            ..times
        };
        let lives = |times: Times| now < UnixSeconds(times.end()).millis();
        if !is_next || !lives(times) || !lives(refreshed) {
            return false;
        }
        // At the proxy it ends without the padding.
        let lifetime = u64::from(times.expires.saturating_sub(padding));
        let stood = time.0 < u64::from(times.last) + lifetime;
        let refreshed = Told {
            balance: Some(Balance::Told(i8::from(stood))),
            is_watched: false,
            ..told
        };
        head.last.store(second, Ordering::Relaxed);
        // Whoever begins to watch after this sees the time that was stored before.
        let told = head.told.swap(refreshed.pack(), Ordering::AcqRel);
        if Told::unpack(told).is_watched {
            head.owner.refreshes.add();
        }
        true
    }

    /// Has its next refresh counted by its owner. To be called before its times are looked at: a
    /// refresh is then seen, or counted. Those that nobody would miss leave the owner alone.
    pub(crate) fn watch(&self) {
        let told = &self.head().told;
        if !Told::unpack(told.load(Ordering::Acquire)).is_watched {
            told.fetch_or(Told::WATCHED_WORD, Ordering::AcqRel);
        }
    }
}

fn write_ledger(ledger: &Ledger, out: &mut Vec<u8>) {
    out.extend_from_slice(&packed::seconds(ledger.second()).to_le_bytes());
    let (contact, node) = ledger.binding();
    packed::text(contact, out);
    packed::optional(node.map(|node| &**node), out);
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("aor", &self.aor())
            .field("stay", &self.stay())
            .field("kind", &self.kind())
            .field("times", &self.times())
            .finish_non_exhaustive()
    }
}
