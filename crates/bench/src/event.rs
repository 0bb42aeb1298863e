//! Phones, and the events that they cause: the typical one in `fixtures/`, with another phone's
//! names in it.
//!
//! An event is made by copying a template and writing over it at known places, all of them of
//! fixed width: making one takes less time than taking it in.

use anyhow::{Context as _, ensure};
use registration::UnixSeconds;

const EXAMPLE: &str = include_str!("../../../fixtures/events/published-example.json");

/// What phones call themselves; a cluster has dozens of models and releases of them.
const USER_AGENTS: [&str; 16] = [
    "PolycomVVX-VVX_410-UA/5.4.5.5873",
    "PolycomVVX-VVX_411-UA/5.9.6.2327",
    "PolyEdge-Edge_E350-UA/8.1.2.0721",
    "Yealink SIP-T46S 66.84.0.15",
    "Yealink SIP-T46U 108.86.0.70",
    "Yealink SIP-T54W 96.86.0.75",
    "Yealink W60B 77.83.0.85",
    "Cisco/SPA504G-7.6.2f",
    "Cisco-CP-8841-3PCC/11.3.7",
    "Grandstream GXP2170 1.0.11.64",
    "Grandstream HT802 1.0.41.5",
    "snomD785/10.1.101.11",
    "Fanvil X4U 2.12.16.17",
    "Bria 6.5.3 stamp 112231",
    "Zoiper rv2.10.20.4",
    "Linphone-Desktop/5.2.4 (belle-sip/5.3.29)",
];

/// A phone of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Number of its account.
    pub account: u32,
    /// Its own number.
    pub number: u32,
}

impl Phone {
    /// Its username.
    pub fn username(self) -> String {
        format!("u{:08}", self.number)
    }
}

/// The id of an account.
pub fn account_id(account: u32) -> String {
    hex(1, account)
}

/// The realm of an account.
pub fn realm(account: u32) -> String {
    format!("{account:06x}.sip.example.com")
}

/// Phones: so many accounts with so many each.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Number of the first account.
    pub first_account: u32,
    /// Accounts.
    pub accounts: u32,
    /// Phones of each.
    pub per_account: u32,
}

impl Fleet {
    /// Accounts from number 0 on.
    pub fn new(phones: u32, per_account: u32) -> Self {
        Self {
            first_account: 0,
            accounts: (phones / per_account).max(1),
            per_account,
        }
    }

    /// How many phones.
    pub fn len(&self) -> u32 {
        self.accounts * self.per_account
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn phone(&self, at: u32) -> Phone {
        Phone {
            account: self.first_account + at / self.per_account,
            number: at,
        }
    }

    /// All of them.
    pub fn phones(self) -> impl Iterator<Item = Phone> {
        (0..self.len()).map(move |at| self.phone(at))
    }
}

/// Number `number` of a kind, 32 hex digits as ids have them.
fn hex(kind: u64, number: u32) -> String {
    let half = |salt: u64| mixed(kind << 40 | salt << 36 | u64::from(number));
    format!("{:016x}{:016x}", half(0), half(1))
}

/// Scatters numbers (splitmix64).
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What stands at a place of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Username,
    Realm,
    Host,
    Port,
    CallId,
    Account,
    AccountName,
    Device,
    Owner,
    Network,
    Proxy,
    Time,
}

/// Each field as the example has it.
const FIELDS: [(Field, &str); 12] = [
    (Field::Username, "user_pqrs"),
    (Field::Realm, "4a6863"),
    (Field::Host, "192.0.2.44"),
    (Field::Port, "59233"),
    (Field::CallId, "3f1e0c9c"),
    (Field::Account, "4f1c2d3e4f5061728394a5b6c7d8e9f0"),
    (Field::AccountName, "Acme Inc"),
    (Field::Device, "d1d2d3d4d5d6d7d8d9dadbdcdddedfd0"),
    (Field::Owner, "0a0b0c0d0e0f00112233445566778899"),
    (Field::Network, "198.51.100.20"),
    (Field::Proxy, "198.51.100.10"),
    (Field::Time, "63962644685"),
];

fn value(field: Field, phone: Phone, time: UnixSeconds) -> String {
    let Phone { account, number } = phone;
    let scattered = mixed(u64::from(number));
    match field {
        Field::Username => phone.username(),
        Field::Realm => format!("{account:06x}"),
        Field::Host => format!("192.0.2.{:02}", 10 + scattered % 90),
        Field::Port => format!("{:05}", 10_000 + (scattered >> 8) % 50_000),
        Field::CallId => format!("{:08x}", (scattered >> 24) as u32),
        Field::Account => account_id(account),
        Field::AccountName => format!("A{account:07x}"),
        Field::Device => hex(2, number),
        Field::Owner => hex(3, number),
        Field::Network => format!(
            "198.51.1{:02}.{:02}",
            account % 90 + 10,
            account / 90 % 90 + 10
        ),
        Field::Proxy => format!("198.51.100.1{}", number % 4),
        Field::Time => format!("{:011}", time.gregorian()),
    }
}

/// Makes events.
#[derive(Clone, Debug)]
pub struct Maker {
    templates: Vec<Template>,
}

#[derive(Clone, Debug)]
struct Template {
    bytes: Vec<u8>,
    places: Vec<(usize, Field)>,
}

impl Maker {
    /// Of events whose registrations last so many seconds.
    pub fn new(expires: u32) -> anyhow::Result<Self> {
        let compact: String = EXAMPLE.lines().map(str::trim).collect();
        let compact = compact
            .replace("\": ", "\":")
            .replace("\"Expires\":300", &format!("\"Expires\":{expires}"));
        let templates = USER_AGENTS
            .iter()
            .map(|agent| Template::new(&compact.replace(USER_AGENTS[0], agent)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { templates })
    }

    /// Makes `out` a phone's event of this time.
    pub fn write(&self, phone: Phone, time: UnixSeconds, out: &mut Vec<u8>) {
        out.clear();
        let Some(template) = self
            .templates
            .get(phone.number as usize % self.templates.len())
        else {
            return;
        };
        out.extend_from_slice(&template.bytes);
        let mut written: Option<(Field, String)> = None;
        for (place, field) in &template.places {
            let text = match written.take() {
                Some((same, text)) if same == *field => text,
                _ => value(*field, phone, time),
            };
            if let Some(target) = out.get_mut(*place..*place + text.len()) {
                target.copy_from_slice(text.as_bytes());
            }
            written = Some((*field, text));
        }
    }

    /// A phone's event of this time.
    pub fn event(&self, phone: Phone, time: UnixSeconds) -> Vec<u8> {
        let mut event = Vec::new();
        self.write(phone, time, &mut event);
        event
    }

    /// How many bytes an event has, on average.
    pub fn mean_bytes(&self) -> usize {
        let all: usize = self.templates.iter().map(|t| t.bytes.len()).sum();
        all / self.templates.len().max(1)
    }
}

impl Template {
    fn new(text: &str) -> anyhow::Result<Self> {
        let mut places = Vec::new();
        for (field, known) in FIELDS {
            let before = places.len();
            places.extend(text.match_indices(known).map(|(at, _)| (at, field)));
            ensure!(places.len() > before, "{known} is not in the example event");
        }
        serde_json::from_str::<serde_json::Value>(text).context("the example is not JSON")?;
        Ok(Self {
            bytes: text.as_bytes().to_vec(),
            places,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phone_has_names_of_its_own_in_an_event_that_is_whole() {
        let maker = Maker::new(3600).unwrap();
        let fleet = Fleet::new(400, 20);
        for (at, phone) in fleet.phones().enumerate() {
            let event = maker.event(phone, UnixSeconds(1_795_425_485));
            let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
            assert_eq!(event["Username"], format!("u{at:08}"));
            assert_eq!(event["Realm"], realm(at as u32 / 20));
            let account = &event["Custom-Channel-Vars"]["Account-ID"];
            assert_eq!(*account, account_id(at as u32 / 20));
            assert_eq!(event["Event-Timestamp"], 63_962_644_685_u64);
            assert_eq!(event["Expires"], 3600);
        }
    }

    #[test]
    fn it_is_as_long_as_a_typical_one() {
        let mean = Maker::new(300).unwrap().mean_bytes();
        assert!((850..950).contains(&mean), "{mean}");
    }
}
