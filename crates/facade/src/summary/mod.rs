//! Counts of all registrations, and of the last hour's changes.
//!
//! Updated with every change, so that no request goes through the cache.

mod agent;
mod hour;
mod largest;
mod tally;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use registrar::{Change, ChangeKind, ChangeListener, EntryRef, Registrar};
use registration::{AccountId, Clock, Zone};
use serde::Serialize;
use utoipa::ToSchema;

use hour::{History, Hour};
use largest::largest;
use tally::{Share, Tally, at_least_none};

/// The most user agents, zones and accounts that are counted each; the others are counted together.
const AGENTS: usize = 4_096;
const ZONES: usize = 64;
const ACCOUNTS: usize = 50_000;
/// The most of each in an answer, the largest first.
const SHOWN: usize = 50;
/// The longest name that is kept, in characters.
const LONGEST: usize = 100;

/// Counts of all registrations and of recent changes.
pub struct Summary {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    registrations: i64,
    /// Refreshes since the start that are in `hour`.
    refreshes: u64,
    hour: Hour,
    agents: Tally,
    zones: Tally,
    accounts: HashMap<AccountId, Account>,
}

struct Account {
    name: Box<str>,
    realm: Box<str>,
    count: i64,
}

/// Counts of all registrations
#[derive(Serialize, ToSchema)]
pub(crate) struct Totals {
    /// How many there are
    registrations: u64,
    history: History,
    /// Kinds of phones, by user agent without its version; at most the 50 largest
    user_agents: Vec<Share>,
    /// Registrations of all other kinds
    other_user_agents: u64,
    /// By zone; at most the 50 largest
    zones: Vec<Share>,
    /// Registrations of all other zones
    other_zones: u64,
    /// The accounts that have the most, at most 50
    accounts: Vec<ShownAccount>,
}

/// An account and how many it has
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownAccount {
    id: String,
    name: String,
    realm: String,
    count: u64,
}

impl Summary {
    /// Counts of an empty cache, and the listener that updates them.
    pub fn new(clock: Arc<dyn Clock>) -> (Arc<Self>, ChangeListener) {
        let summary = Arc::new(Self {
            state: Mutex::new(State {
                registrations: 0,
                refreshes: 0,
                hour: Hour::beginning(clock.now().seconds().0),
                agents: Tally::new(AGENTS),
                zones: Tally::new(ZONES),
                accounts: HashMap::new(),
            }),
            clock,
        });
        let watching = Arc::clone(&summary);
        let listener = ChangeListener::new(move |change| watching.note(change));
        (summary, listener)
    }

    fn note(&self, change: &Change) {
        let now = self.clock.now().seconds().0;
        let mut state = self.lock();
        state.hour.come_to(now);
        state.note(change);
    }

    /// Counts the refreshes since the last call; to be called about once a second.
    pub fn refreshed(&self, registrar: &Registrar) {
        let all = registrar.metrics().of("stored", "refreshed");
        let now = self.clock.now().seconds().0;
        let mut state = self.lock();
        let new = all.saturating_sub(state.refreshes);
        state.refreshes = all;
        state.hour.refreshed(new);
        state.hour.come_to(now);
    }

    /// The counts as they are shown.
    pub(crate) fn totals(&self, registrar: &Registrar) -> Totals {
        self.refreshed(registrar);
        let state = self.lock();
        let (user_agents, other_user_agents) = state.agents.largest(SHOWN);
        let (zones, other_zones) = state.zones.largest(SHOWN);
        Totals {
            registrations: at_least_none(state.registrations),
            history: state.hour.history(),
            user_agents,
            other_user_agents,
            zones,
            other_zones,
            accounts: state.largest_accounts(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing can panic while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counts_alike(one: &EntryRef, other: &EntryRef) -> bool {
    one.user_agent() == other.user_agent()
        && one.zone() == other.zone()
        && one.account() == other.account()
}

/// The fields of a registration that are counted.
#[derive(Clone, Copy)]
struct Counted<'a> {
    user_agent: Option<&'a str>,
    zone: &'a Zone,
    account: Option<&'a AccountId>,
    name: Option<&'a str>,
    realm: &'a str,
}

impl<'a> Counted<'a> {
    fn of(entry: &'a EntryRef) -> Self {
        Self {
            user_agent: entry.user_agent(),
            zone: entry.zone(),
            account: entry.account(),
            name: entry.account_name(),
            realm: entry.account_realm().unwrap_or(entry.realm()),
        }
    }
}

fn short(text: Option<&str>) -> Box<str> {
    text.unwrap_or_default().chars().take(LONGEST).collect()
}

impl State {
    fn note(&mut self, change: &Change) {
        match (&change.before, &change.after) {
            // Many changes do not change the counts.
            (Some(before), Some(after)) if counts_alike(before, after) => {}
            (before, after) => {
                // Added before it is removed, so that no count falls to 0 in between.
                if let Some(after) = after {
                    self.count(Counted::of(after), 1);
                }
                if let Some(before) = before {
                    self.count(Counted::of(before), -1);
                }
            }
        }
        let registrations = at_least_none(self.registrations);
        // Refreshes are counted by `refreshed`: most have no change.
        if change.kind != ChangeKind::Refreshed {
            self.hour.note(change.kind, registrations);
        }
    }

    fn count(&mut self, counted: Counted<'_>, by: i64) {
        self.registrations += by;
        let agent = agent::family(counted.user_agent.unwrap_or_default());
        self.agents.add(&agent, by);
        self.zones.add(counted.zone.as_str(), by);
        let Some(id) = counted.account else { return };
        if let Some(known) = self.accounts.get_mut(id) {
            known.count += by;
            if known.count == 0 {
                self.accounts.remove(id);
            }
        } else if self.accounts.len() < ACCOUNTS {
            let new = Account {
                name: short(counted.name),
                realm: short(Some(counted.realm)),
                count: by,
            };
            self.accounts.insert(*id, new);
        }
    }

    fn largest_accounts(&self) -> Vec<ShownAccount> {
        let counts = self
            .accounts
            .iter()
            .map(|(id, account)| (*id, account.count));
        let shown = largest(counts, SHOWN).filter_map(|(id, count)| {
            let account = self.accounts.get(&id)?;
            Some(ShownAccount {
                id: id.as_str().to_owned(),
                name: account.name.to_string(),
                realm: account.realm.to_string(),
                count: at_least_none(count),
            })
        });
        shown.collect()
    }
}
