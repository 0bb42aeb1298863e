//! All proxies and phones: carries out what phones decide, and knows the truth.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use crate::{
    decision::{Act, Decision},
    fleet::{Phone, fleet},
    history::History,
    judge::Bindings,
    proxy::{Proxy, lock, now},
};

/// How many proxies there are.
pub const PROXIES: u32 = 3;
/// How many accounts share the phones.
pub const ACCOUNTS: u32 = 8;

/// Where a phone is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    proxy: usize,
    contact: u32,
    /// When it last did something, in Unix seconds.
    last: u64,
}

/// All proxies and phones.
pub struct World {
    /// The proxies.
    pub proxies: Vec<Arc<Proxy>>,
    /// The phones, by number.
    pub phones: Vec<Phone>,
    /// What happened lately.
    pub history: Arc<History>,
    places: Mutex<Vec<Place>>,
}

impl World {
    /// Nobody is registered yet.
    pub fn new(phones: u32) -> Self {
        let phones = fleet(phones, ACCOUNTS);
        let by_aor: BTreeMap<_, _> = phones.iter().map(|p| (p.aor(), p.clone())).collect();
        let (by_aor, history) = (Arc::new(by_aor), Arc::new(History::default()));
        let proxy = |number| Proxy::new(number as usize, Arc::clone(&by_aor), Arc::clone(&history));
        Self {
            proxies: (1..=PROXIES).map(proxy).collect(),
            places: Mutex::new(vec![Place::default(); phones.len()]),
            phones,
            history,
        }
    }

    /// Carries out a decision. `calm` turns short lifetimes into long ones.
    pub fn carry_out(&self, decision: &Decision, calm: bool) {
        let number = decision.phone as usize;
        let mut places = lock(&self.places);
        let (Some(phone), Some(place)) = (self.phones.get(number), places.get_mut(number)) else {
            return;
        };
        let second = now() / 1000;
        let goes = matches!(decision.act, Act::Move | Act::MoveAndUnregister);
        if goes && place.last == second {
            // Which of two proxies was the later one within a second nobody could tell.
            return;
        }
        if place.last == 0 {
            place.proxy = number % self.proxies.len().max(1);
        }
        let from = place.proxy;
        if goes {
            place.proxy = (place.proxy + decision.step as usize) % self.proxies.len().max(1);
        }
        place.last = second;
        let before = phone.contact(place.contact);
        if matches!(decision.act, Act::ChangeContact) || goes && decision.expires.is_multiple_of(2)
        {
            place.contact += 1;
        }
        let (Some(old), Some(here)) = (self.proxies.get(from), self.proxies.get(place.proxy))
        else {
            return;
        };
        let contact = || phone.contact(place.contact);
        match decision.act {
            Act::RefreshShortly if !calm => here.register(phone, contact(), decision.short),
            Act::Refresh | Act::RefreshShortly | Act::ChangeContact | Act::Move => {
                here.register(phone, contact(), decision.expires);
            }
            Act::MoveAndUnregister => {
                here.register(phone, contact(), decision.expires);
                old.unregister(phone, before);
            }
            Act::Unregister => here.unregister(phone, contact()),
            Act::Vanish => here.lose(phone),
            Act::Restart => {
                here.unregister(phone, contact());
                here.register(phone, contact(), decision.expires);
            }
            Act::Blink => {
                here.register(phone, contact(), decision.expires);
                here.unregister(phone, contact());
            }
        }
    }

    /// Whoever is registered, each with the contact of the newest binding.
    pub fn truth(&self) -> Bindings {
        let newest = self.newest();
        newest
            .into_iter()
            .map(|(aor, (_, _, contact))| (aor, contact))
            .collect()
    }

    /// The newest binding of each AOR: when it was registered, when it ends, and its contact.
    fn newest(&self) -> BTreeMap<String, (u64, u64, String)> {
        let mut newest: BTreeMap<String, (u64, u64, String)> = BTreeMap::new();
        for proxy in &self.proxies {
            for (aor, row) in proxy.held() {
                let this = (row.modified, row.expires, row.contact);
                match newest.get(&aor) {
                    Some(other) if *other >= this => {}
                    _ => drop(newest.insert(aor, this)),
                }
            }
        }
        newest
    }

    /// AORs whose registration ended by itself since `since`, or will until `until` (Unix seconds).
    pub fn running_out(&self, since: u64, until: u64) -> BTreeSet<String> {
        let newest = self.newest();
        let mut aors: BTreeSet<String> = newest
            .iter()
            .filter(|(_, (_, expires, _))| *expires <= until)
            .map(|(aor, _)| aor.clone())
            .collect();
        for proxy in &self.proxies {
            let ended = proxy.expired().into_iter();
            aors.extend(ended.filter(|(_, at)| *at >= since).map(|(aor, _)| aor));
        }
        aors
    }
}
