//! The table: one registration per AOR, each with its own end.

mod by_order;
mod hearing;
mod lines;
mod lookup;
mod merge;
mod refresh;
mod restore;
mod shards;

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use parking_lot::MutexGuard;
use registration::{
    Clock, Decision, Ignored, Judgement, Ledger, Origin, Past, Registration, Report, UnixMillis,
    UnixSeconds, concede, decide,
};

use crate::{
    capacity::{Capacity, Kind, Load},
    held::Held,
    index::Index,
    lease::{Lease, Leases},
    packed::Times,
    pool::Pool,
    shared::{Gear, Owner},
    slot::{Fingerprint, Making, Slot, Stay},
};

pub use self::{
    hearing::{Applied, Hearing},
    lookup::Mark,
    refresh::{Approach, Refreshed, ToBeJudged},
};
use self::{
    merge::merge_record,
    shards::{Shard, Shards},
};

/// How long an AOR that is registered no more is remembered: events about it may still come.
const MEMORY_SECONDS: u64 = 60;

/// Told of registrations that ended by themselves, within two seconds of it. Must not come back to
/// the table.
pub type OnExpired = Arc<dyn Fn(&Held) + Send + Sync>;

/// Who is registered, by AOR, account and realm.
pub struct Table {
    shards: Box<Shards>,
    index: Index,
    leases: Leases,
    pub(crate) owners: Pool<Owner>,
    pub(crate) gears: Pool<Gear>,
    /// Of those that are registered no more.
    no_gear: Arc<Gear>,
    load: Load,
    capacity: Capacity,
    clock: Arc<dyn Clock>,
    stays: AtomicU64,
    sweeps: AtomicUsize,
    on_expired: OnExpired,
}

/// An AOR's place in the table, held by who judges it.
struct Place<'a> {
    username: &'a str,
    realm: &'a str,
    hash: u64,
    shard: MutexGuard<'a, Shard>,
    now: UnixMillis,
}

impl Place<'_> {
    fn held(&self) -> Option<Slot> {
        let found = |slot: &Slot| slot.is_of(self.username, self.realm);
        self.shard.find(self.hash, found).cloned()
    }
}

impl Table {
    /// An empty table.
    pub fn new(clock: Arc<dyn Clock>, capacity: Capacity, on_expired: OnExpired) -> Self {
        Self {
            shards: Box::new(Shards::new()),
            index: Index::default(),
            leases: Leases::new(Arc::clone(&clock)),
            owners: Pool::default(),
            gears: Pool::default(),
            no_gear: Arc::default(),
            load: Load::default(),
            capacity,
            clock,
            stays: AtomicU64::new(0),
            sweeps: AtomicUsize::new(0),
            on_expired,
        }
    }

    fn place<'a>(&'a self, username: &'a str, realm: &'a str) -> Place<'a> {
        let hash = self.shards.hash(username, realm);
        Place {
            username,
            realm,
            hash,
            shard: self.shards.lock(hash),
            now: self.clock.now(),
        }
    }

    /// Judges a report against what is there and does as decided, as one step per AOR.
    pub fn apply(&self, report: &Report, hearing: Hearing<'_>) -> Applied {
        let is_plain = report.origin == Origin::Event
            && report.first != Some(true)
            && report.last_registration.is_none()
            && !hearing.redelivered;
        let fingerprint = if is_plain { hearing.fingerprint } else { 0 };
        let place = self.place(&report.username, &report.realm);
        let by = hearing.at(place.now);
        self.judge(place, fingerprint, |past| decide(past, report, by))
    }

    /// Puts what a proxy holds in the place of what it does not, whichever is newer, if that
    /// `is_still` there.
    pub fn concede(
        &self,
        report: &Report,
        hearing: Hearing<'_>,
        is_still: impl FnOnce(&Registration) -> bool,
    ) -> Applied {
        let place = self.place(&report.username, &report.realm);
        let by = hearing.at(place.now);
        self.judge(place, 0, |past| match past.live {
            Some(live) if is_still(live) => concede(past, report, by),
            _ => Judgement::ignore(Ignored::Stale),
        })
    }

    /// Takes in a registration as another registrar stored it, unless what is known of the AOR is
    /// as new.
    pub fn merge(&self, registration: &Registration) -> Applied {
        let place = self.place(&registration.username, &registration.realm);
        let now = place.now;
        self.judge(place, 0, |past| merge_record(past, registration, now))
    }

    fn judge(
        &self,
        mut place: Place<'_>,
        fingerprint: Fingerprint,
        judge: impl FnOnce(Past<'_>) -> Judgement,
    ) -> Applied {
        let held = place.held();
        let live = live(held.as_ref(), place.now);
        let ledger = ledger(held.as_ref(), live.as_ref());
        let before = held.clone().filter(|_| live.is_some()).map(Held::new);
        let mut judged = judge(Past {
            live: live.as_ref(),
            ledger: ledger.as_ref(),
        });
        self.keep_within(&mut judged, held.as_ref());
        let (is_news, now) = match &judged.decision {
            Decision::Store(registration, _) => (true, Some(&**registration)),
            Decision::Remove(_) => (true, None),
            Decision::Ignore(_) => (false, live.as_ref()),
        };
        let mut after = before.clone().filter(|_| !is_news);
        if is_news || judged.ledger.is_some() {
            let ledger = judged.ledger.or(ledger);
            let fingerprint = match (now, &held) {
                (Some(now), _) if is_news && is_settled(now) => fingerprint,
                (Some(_), Some(held)) if !is_news => held.fingerprint(),
                _ => 0,
            };
            let slot = self.put(&mut place, held.as_ref(), now, ledger.as_ref(), fingerprint);
            after = now.map(|_| Held::new(slot));
        }
        Applied {
            decision: judged.decision,
            before,
            after,
        }
    }

    /// Refuses who is new where there is no room.
    fn keep_within(&self, judged: &mut Judgement, held: Option<&Slot>) {
        if held.is_some_and(|held| held.kind() == Kind::Live) {
            return;
        }
        if let Decision::Store(newcomer, _) = &judged.decision
            && let Some(full) = self
                .load
                .refuses(self.capacity, || self.index.peers_of(&Owner::of(newcomer)))
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

    /// Puts what is to be held of an AOR into its place, and brings index and leases along.
    fn put(
        &self,
        place: &mut Place<'_>,
        held: Option<&Slot>,
        live: Option<&Registration>,
        ledger: Option<&Ledger>,
        fingerprint: Fingerprint,
    ) -> Slot {
        let was_live = held.filter(|held| held.kind() == Kind::Live);
        if let Some(ended) = was_live.filter(|held| !held.is_live(place.now)) {
            // Its lease is not up yet, and will now be given to another.
            (self.on_expired)(&Held::new(ended.clone()));
        }
        let (owner, gear) = self.shared(place, held, live);
        let stays = held
            .filter(|held| live.is_some() && held.is_live(place.now))
            .filter(|held| held.owner().has_keys_of(&owner));
        let until = match live {
            Some(live) => UnixSeconds(Times::of(live).end()).millis(),
            None => place.now.plus_seconds(MEMORY_SECONDS),
        };
        // A stay's lease is up at its end or before.
        let is_sooner = stays.is_some_and(|held| until < held.until());
        let making = Making {
            stay: match stays.map(Slot::stay) {
                Some(stay) if is_sooner => stay.with_next_lease(),
                Some(stay) => stay,
                None => self.new_stay(),
            },
            owner,
            gear,
            fingerprint,
            ledger,
        };
        let slot = if let Some(live) = live {
            Slot::live(live, making)
        } else {
            Slot::remembered(place.username, until, making)
        };
        if let Some(gone) = was_live.filter(|_| stays.is_none()) {
            self.index.remove(gone);
        }
        if live.is_some() {
            self.index.put(&slot, stays.is_none());
        }
        if stays.is_none() || is_sooner {
            self.leases.grant(lease(place.hash, &slot), until);
        }
        self.load.replace(held.map(Slot::kind), Some(slot.kind()));
        let is_it = |slot: &Slot| slot.is_of(place.username, place.realm);
        let hash = |slot: &Slot| self.shards.hash_of(slot);
        match place.shard.find_mut(place.hash, is_it) {
            Some(there) => *there = slot.clone(),
            None => place.shard.insert(place.hash, slot.clone(), hash),
        }
        slot
    }

    fn new_stay(&self) -> Stay {
        Stay::of(self.stays.fetch_add(1, Ordering::Relaxed))
    }

    fn shared(
        &self,
        place: &Place<'_>,
        held: Option<&Slot>,
        live: Option<&Registration>,
    ) -> (Arc<Owner>, Arc<Gear>) {
        if let Some(live) = live {
            let (owner, gear) = (Owner::of(live), Gear::of(live));
            return (self.owners.share(owner), self.gears.share(gear));
        }
        let share = |owner| self.owners.share(owner);
        let owner = match held {
            Some(held) => held.owner().unowned(share),
            None => share(Owner::nobodys(place.realm)),
        };
        (owner, Arc::clone(&self.no_gear))
    }

    /// Reclaims what has expired. Nothing dead is ever shown without it, but memory waits for it.
    pub fn sweep(&self) {
        loop {
            let is_held = |lease: &Lease| {
                let shard = self.shards.lock(lease.hash);
                shard
                    .find(lease.hash, |there| there.stay() == lease.stay)
                    .is_some()
            };
            let ended = self.leases.sweep(self.load.all(), is_held);
            if ended.is_empty() {
                break;
            }
            for lease in ended {
                self.reclaim(lease);
            }
        }
        let turn = self.sweeps.fetch_add(1, Ordering::Relaxed);
        self.owners.sweep(turn);
        self.gears.sweep(turn);
    }

    /// A stay's lease is up: it is over, unless its end was put off since.
    fn reclaim(&self, lease: Lease) {
        let mut shard = self.shards.lock(lease.hash);
        let is_it = |there: &Slot| there.stay() == lease.stay;
        let Some(there) = shard.find(lease.hash, is_it) else {
            return;
        };
        let until = there.until();
        if self.clock.now() < until {
            self.leases.grant(lease, until);
            return;
        }
        let Some(slot) = shard.take(lease.hash, is_it) else {
            return;
        };
        self.load.replace(Some(slot.kind()), None);
        if slot.kind() == Kind::Live {
            self.index.remove(&slot);
            (self.on_expired)(&Held::new(slot));
        }
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

fn live(held: Option<&Slot>, now: UnixMillis) -> Option<Registration> {
    let held = held.filter(|held| held.is_live(now))?;
    Some(held.registration(held.times()))
}

fn lease(hash: u64, slot: &Slot) -> Lease {
    let stay = slot.stay();
    Lease { stay, hash }
}

fn ledger(held: Option<&Slot>, live: Option<&Registration>) -> Option<Ledger> {
    held?.ledger(live)
}

/// Whether the message that made it, said again later, would make the same of it: nothing is left
/// of what was there before, and nothing is to be asked for.
fn is_settled(registration: &Registration) -> bool {
    let account = &registration.account;
    registration.previous_contact.as_ref() == Some(&registration.contact)
        && account.id.is_some()
        && account.authorizing_id.is_some()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
