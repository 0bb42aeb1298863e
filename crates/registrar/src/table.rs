//! The table: one registration per AOR, each with its own end, on moka.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{Expiry, notification::RemovalCause, ops::compute::Op, sync::Cache};
use registration::{
    AccountId, Aor, Circumstances, Clock, Decision, Judgement, Ledger, Past, Policy, Registration,
    Report, Text, UnixMillis, UnixSeconds, Zone, decide,
};

use crate::{
    capacity::{Capacity, Kind, Load},
    index::{Generation, Index, Keys},
};

/// How long an AOR that is registered no more is remembered: events about it may still come.
const MEMORY_MILLIS: u64 = 60_000;

/// What moka holds for an AOR.
#[derive(Debug)]
struct Entry {
    /// In the index as long as it is there; `None` is the memory of one that is gone.
    live: Option<Arc<Registration>>,
    ledger: Option<Ledger>,
    generation: Generation,
    /// When it may be forgotten.
    until: UnixMillis,
}

impl Entry {
    fn live_at(&self, now: UnixMillis) -> Option<&Arc<Registration>> {
        self.live.as_ref().filter(|live| live.is_live(now))
    }

    fn kind(&self) -> Kind {
        match self.live {
            Some(_) => Kind::Live,
            None => Kind::Remembered,
        }
    }
}

/// Tells moka when to reclaim an entry. What readers see is decided by our own clock: moka's
/// deadline only frees the memory.
struct EndOfLife(Arc<dyn Clock>);

impl EndOfLife {
    fn left(&self, entry: &Entry) -> Duration {
        Duration::from_millis(entry.until.0.saturating_sub(self.0.now().0))
    }
}

impl Expiry<Aor, Arc<Entry>> for EndOfLife {
    fn expire_after_create(&self, _: &Aor, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(self.left(entry))
    }

    // moka's default keeps the old deadline; a refresh has a new one.
    fn expire_after_update(
        &self,
        _: &Aor,
        entry: &Arc<Entry>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.left(entry))
    }
}

/// Where a report came from and what it is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Hearing<'a> {
    /// Zone it was heard in.
    pub zone: &'a Zone,
    /// The rules' settings.
    pub policy: &'a Policy,
    /// It may have been applied before.
    pub redelivered: bool,
    /// Whoever is registered is in the table.
    pub complete: bool,
}

/// What was decided of a report, and the AOR's live registration before and after.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What was decided.
    pub decision: Decision,
    /// What was there.
    pub before: Option<Arc<Registration>>,
    /// What is there now.
    pub after: Option<Arc<Registration>>,
}

/// Told of registrations that ended by themselves, within about a second of it. Must not come back
/// to the table.
pub type OnExpired = Arc<dyn Fn(&Arc<Registration>) + Send + Sync>;

/// Who is registered, by AOR, account and realm.
pub struct Table {
    cache: Cache<Aor, Arc<Entry>>,
    index: Arc<Index>,
    load: Arc<Load>,
    capacity: Capacity,
    clock: Arc<dyn Clock>,
    generations: AtomicU64,
    on_expired: OnExpired,
}

impl Table {
    /// An empty table.
    pub fn new(clock: Arc<dyn Clock>, capacity: Capacity, on_expired: OnExpired) -> Self {
        let index = Arc::new(Index::default());
        let load = Arc::new(Load::default());
        let unloading = Arc::clone(&load);
        let (listening, telling) = (Arc::clone(&index), Arc::clone(&on_expired));
        let cache = Cache::builder()
            .expire_after(EndOfLife(Arc::clone(&clock)))
            .eviction_listener(move |aor: Arc<Aor>, entry: Arc<Entry>, cause| {
                // Replacing keeps load and index itself, under the key's lock.
                if !matches!(cause, RemovalCause::Expired | RemovalCause::Size) {
                    return;
                }
                unloading.replace(Some(entry.kind()), None);
                if let Some(ended) = &entry.live {
                    listening.remove(&Keys::of(ended), &aor, entry.generation);
                    telling(ended);
                }
            })
            .build();
        Self {
            cache,
            index,
            load,
            capacity,
            clock,
            generations: AtomicU64::new(0),
            on_expired,
        }
    }

    /// Judges a report against what is there and does as decided, as one step per AOR.
    pub fn apply(&self, report: &Report, hearing: Hearing<'_>) -> Applied {
        let aor = Aor::new(&report.username, &report.realm);
        let now = self.clock.now();
        let by = Circumstances {
            zone: hearing.zone,
            policy: hearing.policy,
            now,
            redelivered: hearing.redelivered,
            complete: hearing.complete,
        };
        self.judge(&aor, |past| decide(past, report, by))
    }

    /// Takes in a registration as another registrar stored it, unless what is known of the AOR is
    /// as new.
    pub fn merge(&self, registration: &Registration) -> Applied {
        let now = self.clock.now();
        self.judge(&registration.aor(), |past| {
            merge_record(past, registration, now)
        })
    }

    fn judge(&self, aor: &Aor, judge: impl FnOnce(Past<'_>) -> Judgement) -> Applied {
        let now = self.clock.now();
        let mut applied = None;
        self.cache.entry_by_ref(aor).and_compute_with(|held| {
            let held = held.map(moka::Entry::into_value);
            let before = held.as_deref().and_then(|held| held.live_at(now)).cloned();
            let ledger = held.as_deref().and_then(|held| held.ledger.clone());
            let mut judged = judge(Past {
                live: before.as_deref(),
                ledger: ledger.as_ref(),
            });
            self.keep_within(&mut judged, held.as_deref());
            let after = match &judged.decision {
                Decision::Store(registration, _) => Some(Arc::new((**registration).clone())),
                Decision::Remove(_) => None,
                Decision::Ignore(_) => before.clone(),
            };
            let changed =
                !matches!(judged.decision, Decision::Ignore(_)) || judged.ledger.is_some();
            let op = if changed {
                let ledger = judged.ledger.or(ledger);
                Op::Put(self.entry(aor, held.as_deref(), after.clone(), ledger, now))
            } else {
                Op::Nop
            };
            applied = Some(Applied {
                decision: judged.decision,
                before,
                after,
            });
            op
        });
        applied.unwrap_or(Applied {
            decision: Decision::Ignore(registration::Ignored::NotRegistered),
            before: None,
            after: None,
        })
    }

    /// Refuses who is new where there is no room.
    fn keep_within(&self, judged: &mut Judgement, held: Option<&Entry>) {
        if held.is_some_and(|held| held.live.is_some()) {
            return;
        }
        if let Decision::Store(newcomer, _) = &judged.decision
            && let Some(full) = self
                .load
                .refuses(self.capacity, &self.index, &Keys::of(newcomer))
        {
            *judged = Judgement {
                decision: Decision::Ignore(full),
                ledger: None,
            };
        }
        let stores = matches!(judged.decision, Decision::Store(..));
        if !stores && held.is_none() && !self.load.has_memory() {
            judged.ledger = None;
        }
    }

    /// Prepares the entry to put, with the index as it will then be. Runs under the key's lock.
    fn entry(
        &self,
        aor: &Aor,
        held: Option<&Entry>,
        live: Option<Arc<Registration>>,
        ledger: Option<Ledger>,
        now: UnixMillis,
    ) -> Arc<Entry> {
        let keys = live.as_deref().map(Keys::of);
        if let Some(ended) = held
            .and_then(|held| held.live.as_ref())
            .filter(|r| !r.is_live(now))
        {
            // moka has not come to it yet, and will now take it for replaced.
            (self.on_expired)(ended);
        }
        let old = held.and_then(|held| Some((Keys::of(held.live.as_deref()?), held)));
        let stays = old
            .as_ref()
            .filter(|(old, held)| held.live_at(now).is_some() && keys.as_ref() == Some(old))
            .map(|(_, held)| held.generation);
        let generation = stays.unwrap_or_else(|| {
            if let Some((old, held)) = &old {
                self.index.remove(old, aor, held.generation);
            }
            let generation = self.generations.fetch_add(1, Ordering::Relaxed);
            if let Some(keys) = &keys {
                self.index.insert(keys, aor, generation);
            }
            generation
        });
        let until = live.as_deref().map_or_else(
            || UnixMillis(now.0.saturating_add(MEMORY_MILLIS)),
            Registration::expires_at,
        );
        let entry = Entry {
            live,
            ledger,
            generation,
            until,
        };
        self.load.replace(held.map(Entry::kind), Some(entry.kind()));
        Arc::new(entry)
    }

    /// Takes the AOR's registration out if it is one that `wanted` names. Returns it if it was live.
    pub fn remove_if(
        &self,
        aor: &Aor,
        wanted: impl Fn(&Registration) -> bool,
    ) -> Option<Arc<Registration>> {
        let now = self.clock.now();
        let mut removed = None;
        self.cache.entry_by_ref(aor).and_compute_with(|held| {
            let Some(held) = held.map(moka::Entry::into_value) else {
                return Op::Nop;
            };
            let Some(live) = held.live_at(now).filter(|live| wanted(live)) else {
                return Op::Nop;
            };
            removed = Some(Arc::clone(live));
            // A refresh of the second that it was taken out in must not bring it back.
            let ledger = Some(Ledger::closed(live, live.last_registration));
            Op::Put(self.entry(aor, Some(&held), None, ledger, now))
        });
        removed
    }

    /// Lets an AOR that was taken out register again in the very second that it was taken out in:
    /// what is heard of it from now on was told afterwards.
    pub fn reopen(&self, aor: &Aor) {
        let now = self.clock.now();
        self.cache.entry_by_ref(aor).and_compute_with(|held| {
            let held = held.map(moka::Entry::into_value);
            let ledger = held.as_deref().and_then(|held| held.ledger.as_ref());
            match ledger.and_then(Ledger::reopened) {
                Some(ledger) => {
                    let live = held.as_deref().and_then(|held| held.live_at(now)).cloned();
                    Op::Put(self.entry(aor, held.as_deref(), live, Some(ledger), now))
                }
                None => Op::Nop,
            }
        });
    }

    /// The live registration of an AOR.
    pub fn get(&self, aor: &Aor) -> Option<Arc<Registration>> {
        self.live(aor, self.clock.now())
    }

    fn live(&self, aor: &Aor, now: UnixMillis) -> Option<Arc<Registration>> {
        self.cache.get(aor)?.live_at(now).cloned()
    }

    /// The live registrations of an account and of realms, each once, in no order.
    pub fn select(
        &self,
        account: Option<&AccountId>,
        realms: &[impl AsRef<str>],
    ) -> Vec<Arc<Registration>> {
        let now = self.clock.now();
        let mut aors = account
            .map(|account| self.index.of_account(account))
            .unwrap_or_default();
        for realm in realms {
            aors.extend(self.index.of_realm(realm.as_ref()));
        }
        aors.sort_unstable();
        aors.dedup();
        aors.iter().filter_map(|aor| self.live(aor, now)).collect()
    }

    /// Every realm that somebody is registered in, or whose account has it, lower-cased.
    pub fn realms(&self) -> Vec<Text> {
        self.index.realms()
    }

    /// Puts what `amended` makes of a registration in its place. Returns what was there and what is.
    pub fn amend(
        &self,
        aor: &Aor,
        amended: impl Fn(&Registration) -> Option<Registration>,
    ) -> Option<(Arc<Registration>, Arc<Registration>)> {
        let now = self.clock.now();
        let mut changed = None;
        self.cache.entry_by_ref(aor).and_compute_with(|held| {
            let held = held.map(moka::Entry::into_value);
            let Some(before) = held.as_deref().and_then(|held| held.live_at(now)).cloned() else {
                return Op::Nop;
            };
            let Some(after) = amended(&before).map(Arc::new) else {
                return Op::Nop;
            };
            changed = Some((before, Arc::clone(&after)));
            let ledger = held.as_deref().and_then(|held| held.ledger.clone());
            Op::Put(self.entry(aor, held.as_deref(), Some(after), ledger, now))
        });
        changed
    }

    /// Every live registration, in no order. Goes through the whole table.
    pub fn all(&self) -> Vec<Arc<Registration>> {
        let now = self.clock.now();
        self.cache
            .iter()
            .filter_map(|(_, entry)| entry.live_at(now).cloned())
            .collect()
    }

    /// How many live registrations there are. Goes through the whole table.
    pub fn len(&self) -> usize {
        let now = self.clock.now();
        let live = |(_, entry): &(Arc<Aor>, Arc<Entry>)| entry.live_at(now).is_some();
        self.cache.iter().filter(live).count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reclaims what has expired. Nothing dead is ever shown without it, but memory waits for it.
    pub fn sweep(&self) {
        self.cache.run_pending_tasks();
    }

    /// How many registrations are held, those that have ended but are not reclaimed yet included.
    pub fn held(&self) -> usize {
        self.load.live()
    }

    #[cfg(test)]
    pub(crate) fn index_is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

/// The newer of two wins; what the table heard itself wins if they are as new.
fn merge_record(past: Past<'_>, registration: &Registration, now: UnixMillis) -> Judgement {
    let last = registration.last_registration;
    let live: Option<UnixSeconds> = past.live.map(|live| live.last_registration);
    let told = past.ledger.map(Ledger::second);
    let decision = if live.max(told).is_some_and(|known| known >= last) {
        Decision::Ignore(registration::Ignored::Known)
    } else if !registration.is_live(now) {
        Decision::Ignore(registration::Ignored::Expired)
    } else {
        let stored = match past.live {
            None => registration::Stored::Registered,
            Some(live) if live.contact == registration.contact => registration::Stored::Refreshed,
            Some(_) => registration::Stored::Moved,
        };
        Decision::Store(Box::new(registration.clone()), stored)
    };
    Judgement {
        decision,
        ledger: None,
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
