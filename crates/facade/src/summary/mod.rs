//! How all registrations stand and went in the last hour, for whoever may see all accounts.
//!
//! Kept up with every change, so that no question goes through the table.

mod agent;
mod hour;
mod tally;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::{HttpRequest, HttpResponse, web::Data};
use registrar::{Change, ChangeKind, Held, Registrar, Watcher};
use registration::{AccountId, Clock, Zone};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Facade,
    accept::takes_json,
    caller::Administrator,
    envelope::{Extras, success},
    error::ApiError,
    openapi::{SummaryAnswer, SystemRefused},
};
use hour::{History, Hour};
use tally::{Share, Tally, at_least_none};

/// Kinds of phones, zones and accounts that are told apart. Beyond these they are counted together.
const AGENTS: usize = 4_096;
const ZONES: usize = 64;
const ACCOUNTS: usize = 50_000;
/// The most of each in an answer, the largest first.
const SHOWN: usize = 50;
/// The longest name that is kept, in characters.
const LONGEST: usize = 100;

/// Counts of what there is, and what happened lately.
pub struct Summary {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    registrations: i64,
    /// Refreshes that have been counted, of all there were.
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

/// How all registrations stand
#[derive(Serialize, ToSchema)]
pub(crate) struct Shown {
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
    /// One of an empty table, and the watcher that it learns from.
    pub fn new(clock: Arc<dyn Clock>) -> (Arc<Self>, Watcher) {
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
        let watcher = Watcher::of_many(move |changes| watching.note(changes));
        (summary, watcher)
    }

    fn note(&self, changes: &[Change]) {
        let now = self.clock.now().seconds().0;
        let mut state = self.lock();
        state.hour.come_to(now);
        for change in changes {
            state.note(change);
        }
    }

    /// Notes how many refreshes there have been since the start; to be called about once a second.
    pub fn refreshed(&self, registrar: &Registrar) {
        let all = registrar.stats().of("stored", "refreshed");
        let now = self.clock.now().seconds().0;
        let mut state = self.lock();
        let new = all.saturating_sub(state.refreshes);
        state.refreshes = all;
        state.hour.refreshed(new);
        state.hour.come_to(now);
    }

    fn shown(&self, registrar: &Registrar) -> Shown {
        self.refreshed(registrar);
        let state = self.lock();
        let (user_agents, other_user_agents) = state.agents.largest(SHOWN);
        let (zones, other_zones) = state.zones.largest(SHOWN);
        Shown {
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

fn counts_alike(one: &Held, other: &Held) -> bool {
    one.user_agent() == other.user_agent()
        && one.zone() == other.zone()
        && one.account() == other.account()
}

/// What is counted of a registration.
#[derive(Clone, Copy)]
struct Counted<'a> {
    user_agent: Option<&'a str>,
    zone: &'a Zone,
    account: Option<&'a AccountId>,
    name: Option<&'a str>,
    realm: &'a str,
}

impl<'a> Counted<'a> {
    fn of(held: &'a Held) -> Self {
        Self {
            user_agent: held.user_agent(),
            zone: held.zone(),
            account: held.account(),
            name: held.account_name(),
            realm: held.account_realm().unwrap_or(held.realm()),
        }
    }
}

fn short(text: Option<&str>) -> Box<str> {
    text.unwrap_or_default().chars().take(LONGEST).collect()
}

impl State {
    fn note(&mut self, change: &Change) {
        match (&change.before, &change.after) {
            // Many change nothing that is counted.
            (Some(before), Some(after)) if counts_alike(before, after) => {}
            (before, after) => {
                // First in, then out: what is on both sides does not leave meanwhile.
                if let Some(after) = after {
                    self.count(Counted::of(after), 1);
                }
                if let Some(before) = before {
                    self.count(Counted::of(before), -1);
                }
            }
        }
        let registrations = at_least_none(self.registrations);
        // Refreshes are counted all together: most are told to nobody.
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
        let mut all: Vec<_> = self.accounts.iter().collect();
        all.sort_unstable_by(|one, other| {
            let count = other.1.count.cmp(&one.1.count);
            count.then_with(|| one.0.as_str().cmp(other.0.as_str()))
        });
        all.truncate(SHOWN);
        let shown = all.into_iter().map(|(id, account)| ShownAccount {
            id: id.as_str().to_owned(),
            name: account.name.to_string(),
            realm: account.realm.to_string(),
            count: at_least_none(account.count),
        });
        shown.collect()
    }
}

/// `GET /v2/registrations/summary`
#[utoipa::path(
    get, path = "/v2/registrations/summary", tag = "system",
    responses(
        (status = 200, description = "How many by kind of phone, zone and account, and the last hour", body = SummaryAnswer),
        SystemRefused
    ),
    security(("header" = []), ("query" = []), ("bearer" = []))
)]
pub(crate) async fn summary(
    req: HttpRequest,
    facade: Data<Facade>,
    _: Administrator,
) -> Result<HttpResponse, ApiError> {
    takes_json(&req)?;
    // Made of what serialises.
    let data = serde_json::to_vec(&facade.summary.shown(&facade.registrar)).unwrap_or_default();
    success(&req, &facade, &data, &Extras::default())
}
