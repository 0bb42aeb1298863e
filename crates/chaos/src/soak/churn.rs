//! Phones that come, refresh, move and go, at a fixed rate.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::ensure;
use lab::rollcall::Rollcall;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    dice::Dice,
    feeder::Feeder,
    fleet::{Phone, account_id, fleet},
    judge::{Bindings, Difference, compare},
    memory::Progress,
    proxy::now,
    truth::Row,
    wire::{Speaker, Status, reg_success, success_key},
};

const STREAM: u64 = 20;
const PROXIES: u32 = 3;
/// Phones of an account.
const PER_ACCOUNT: u32 = 2000;
/// None runs out by chance between two refreshes.
const EXPIRES: u64 = 3600;
const TICK: Duration = Duration::from_millis(10);
/// Beyond this the broker is being drowned.
const DROWNED: u32 = 400_000;

/// Proxies of the soak.
pub(super) fn speaker(number: u32) -> Speaker {
    Speaker {
        node: format!("kamailio@proxy{number}.soak"),
        ip: format!("203.0.113.{}", number + 1),
    }
}

#[derive(Clone, Copy, Default)]
struct Place {
    contact: u32,
    proxy: u32,
    is_registered: bool,
    /// When it last went elsewhere, in Unix seconds.
    last: u64,
}

#[derive(Clone, Copy)]
enum Act {
    Refresh,
    ChangeContact,
    Move,
    Leave,
}

const WEIGHTS: [(u32, Act); 4] = [
    (90, Act::Refresh),
    (5, Act::ChangeContact),
    (3, Act::Move),
    (2, Act::Leave),
];

/// All phones.
pub(super) struct Churn {
    phones: Vec<Phone>,
    places: Vec<Place>,
    speakers: Vec<Speaker>,
    dice: Dice,
    feeder: Arc<Feeder>,
    /// Events that were sent.
    pub(super) sent: u64,
}

impl Churn {
    pub(super) fn new(seed: u64, phones: u32, feeder: Arc<Feeder>) -> Self {
        Self {
            phones: fleet(phones, phones.div_ceil(PER_ACCOUNT)),
            places: vec![Place::default(); phones as usize],
            speakers: (0..PROXIES).map(speaker).collect(),
            dice: Dice::new(seed, STREAM),
            feeder,
            sent: 0,
        }
    }

    /// All register, as fast as rollcall takes it.
    pub(super) async fn fill(&mut self) -> anyhow::Result<()> {
        for at in 0..self.phones.len() {
            self.say(at, Act::Refresh).await?;
            if at.is_multiple_of(1000) {
                self.feeder.below(5000).await?;
            }
        }
        self.feeder.below(0).await
    }

    /// Goes on at the rate until `progress` (in milliseconds) is at its end, however far behind
    /// rollcall falls, as long as the broker can keep it.
    pub(super) async fn run(
        &mut self,
        rate: u32,
        length: Duration,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let (begun, before) = (Instant::now(), self.sent);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turn = 0_u64;
        while begun.elapsed() < length {
            ticks.tick().await;
            let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            progress.reach(ms);
            let due = ms * u64::from(rate) / 1000;
            while self.sent - before < due && begun.elapsed() < length {
                let at = self.dice.index(self.phones.len());
                let act = self.dice.weighted(&WEIGHTS).unwrap_or(Act::Refresh);
                self.say(at, act).await?;
            }
            turn += 1;
            if turn.is_multiple_of(100) {
                let depth = self.feeder.depth().await?;
                ensure!(depth < DROWNED, "rollcall is {depth} events behind");
            }
        }
        Ok(())
    }

    async fn say(&mut self, at: usize, act: Act) -> anyhow::Result<()> {
        let (Some(phone), Some(place)) = (self.phones.get(at), self.places.get_mut(at)) else {
            return Ok(());
        };
        let second = now() / 1000;
        let first = !place.is_registered;
        match act {
            Act::Leave if place.is_registered => place.is_registered = false,
            // Which of two proxies was the later one within a second nobody could tell.
            Act::Move if place.last != second => {
                place.proxy = (place.proxy + 1) % PROXIES;
                place.contact += 1;
            }
            Act::ChangeContact => place.contact += 1,
            _ => {}
        }
        let leaves = matches!(act, Act::Leave) && !first;
        place.is_registered = !leaves;
        place.last = second;
        let row = Row {
            contact: phone.contact(place.contact),
            call_id: format!("{}@soak", phone.username),
            modified: second,
            expires: second + EXPIRES,
        };
        let status = if leaves {
            Status::Unregistered { first: false }
        } else {
            Status::Registered { first }
        };
        let Some(speaker) = self.speakers.get(place.proxy as usize) else {
            return Ok(());
        };
        let body = reg_success(speaker, phone, &row, status, second);
        // What one phone does stays in order.
        let line = phone.number as usize;
        self.sent += 1;
        self.feeder
            .publish(line, "registrar", &success_key(phone), &body)
            .await
    }

    /// How many are registered.
    pub(super) fn registered(&self) -> usize {
        self.places
            .iter()
            .filter(|place| place.is_registered)
            .count()
    }

    /// How what rollcall shows differs from what the phones did.
    pub(super) async fn compare(&self, rollcall: &Rollcall) -> anyhow::Result<Vec<Difference>> {
        let both = self.phones.iter().zip(&self.places);
        let truth: Bindings = both
            .filter(|(_, place)| place.is_registered)
            .map(|(phone, place)| (phone.aor(), phone.contact(place.contact)))
            .collect();
        let accounts: BTreeSet<u32> = self.phones.iter().map(|phone| phone.account).collect();
        let mut table = Bindings::new();
        for account in accounts {
            let shown = rollcall.bindings(&account_id(account)).await?;
            table.extend(
                shown
                    .into_iter()
                    .map(|binding| (binding.aor, binding.contact)),
            );
        }
        Ok(compare(&truth, &table, &BTreeSet::new()))
    }
}
