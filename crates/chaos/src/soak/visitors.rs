//! Phones that register once and shortly, and when exactly each is gone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use lab::rollcall::TOKEN;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::churn::speaker;
use crate::{
    dice::Dice,
    feeder::Feeder,
    fleet::{Phone, account_id},
    proxy::{lock, now},
    quantile::Durations,
    truth::Row,
    wire::{Status, reg_success, success_key},
};

const STREAM: u64 = 21;
/// Number of their account.
const ACCOUNT: u32 = 900_000;
/// What `cache.expires_deviation` is here, in seconds.
pub(super) const DEVIATION: u64 = 1;
/// So late nobody may be gone.
pub(super) const LATE: Duration = Duration::from_secs(2);
/// Asked from so long before the end.
const BEFORE: u64 = 600;
const ASK: Duration = Duration::from_millis(100);
/// Nobody is waited for longer.
const GIVE_UP: Duration = Duration::from_secs(20);

/// What was seen of them.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many registered.
    pub registered: u64,
    /// From an event's publication to its server-sent event.
    pub lag: Durations,
    /// How late the end was told as a server-sent event.
    pub told: Durations,
    /// How late it was seen by asking for the one registration, to a tenth of a second.
    pub asked: Durations,
    /// What must not be: gone too early, too late, never.
    pub violations: Vec<String>,
}

/// Whom to expect.
struct Visitor {
    sent: Instant,
    /// Unix milliseconds.
    due: u64,
}

/// All of them.
pub(super) struct Visitors {
    feeder: Arc<Feeder>,
    client: Client,
    base: String,
    known: Mutex<HashMap<String, Visitor>>,
    seen: Mutex<Seen>,
}

impl Visitors {
    pub(super) fn new(feeder: Arc<Feeder>, port: u16) -> Arc<Self> {
        Arc::new(Self {
            feeder,
            client: lab::http::client(),
            base: format!(
                "http://127.0.0.1:{port}/v2/accounts/{}/registrations",
                account_id(ACCOUNT)
            ),
            known: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Forgets what was seen so far.
    pub(super) fn forget(&self) {
        *lock(&self.seen) = Seen::default();
    }

    /// So many a second come for as long as the task lives.
    pub(super) async fn come(self: Arc<Self>, seed: u64, rate: u32) -> anyhow::Result<()> {
        let mut dice = Dice::new(seed, STREAM);
        let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asking = JoinSet::new();
        for number in 0.. {
            ticks.tick().await;
            let due = self.register(number, dice.within(4..15)).await?;
            asking.spawn(Arc::clone(&self).ask(name(number), due));
            while asking.try_join_next().is_some() {}
        }
        Ok(())
    }

    async fn register(&self, number: u32, expires: u32) -> anyhow::Result<u64> {
        let phone = Phone {
            number,
            account: ACCOUNT,
            username: name(number),
        };
        let second = now() / 1000;
        let until = second + u64::from(expires);
        let row = Row {
            contact: phone.contact(0),
            call_id: format!("{}@soak", phone.username),
            modified: second,
            expires: until,
        };
        let status = Status::Registered { first: true };
        let body = reg_success(&speaker(0), &phone, &row, status, second);
        let due = (until + DEVIATION) * 1000;
        let visitor = Visitor {
            sent: Instant::now(),
            due,
        };
        lock(&self.known).insert(phone.username.clone(), visitor);
        lock(&self.seen).registered += 1;
        self.feeder
            .publish(0, "registrar", &success_key(&phone), &body)
            .await?;
        Ok(due)
    }

    /// Asks for one around the time when it is due to be gone.
    async fn ask(self: Arc<Self>, username: String, due: u64) {
        let wait = due.saturating_sub(BEFORE).saturating_sub(now());
        sleep(Duration::from_millis(wait)).await;
        let begun = Instant::now();
        let mut was_there = false;
        while begun.elapsed() < GIVE_UP {
            match self.shows(&username).await {
                Ok(true) => {
                    was_there = true;
                    sleep(ASK).await;
                }
                // Its register may wait in the queue yet; of whoever was there and has gone, the
                // follower is told.
                Ok(false) if now() < due && !was_there => sleep(ASK).await,
                Ok(false) if now() < due => {
                    let early = due - now();
                    return self.violation(format!("{username} was gone {early} ms early (asked)"));
                }
                Ok(false) => {
                    let late = Duration::from_millis(now() - due);
                    lock(&self.seen).asked.push(late);
                    if late > LATE {
                        self.violation(format!("{username} was gone {late:?} late (asked)"));
                    }
                    return;
                }
                Err(error) => return self.violation(format!("{username}: {error:#}")),
            }
        }
        self.violation(format!("{username} was not gone after {GIVE_UP:?}"));
    }

    async fn shows(&self, username: &str) -> anyhow::Result<bool> {
        let url = format!("{}/{username}", self.base);
        let request = self.client.get(url).header("X-Auth-Token", TOKEN);
        match request.send().await?.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            other => anyhow::bail!("GET one: {other}"),
        }
    }

    fn violation(&self, line: String) {
        lock(&self.seen).violations.push(line);
    }

    /// Follows the account's changes for as long as the task lives.
    pub(super) async fn follow(self: Arc<Self>) {
        loop {
            // Before the first one has come nobody knows the account.
            if let Err(error) = self.following().await
                && lock(&self.seen).registered > 50
            {
                self.violation(format!("following: {error:#}"));
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    async fn following(&self) -> anyhow::Result<()> {
        let url = format!("{}/events", self.base);
        let request = self.client.get(url).header("X-Auth-Token", TOKEN);
        let mut response = request.send().await?;
        ensure!(response.status() == StatusCode::OK, "{}", response.status());
        let mut read = String::new();
        while let Some(piece) = response.chunk().await? {
            read.push_str(&String::from_utf8_lossy(&piece));
            while let Some((event, rest)) = read.split_once("\n\n") {
                self.told(event);
                read = rest.to_owned();
            }
        }
        anyhow::bail!("it ended")
    }

    fn told(&self, event: &str) {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let (kind, data) = (field("event: "), field("data: ").unwrap_or_default());
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let username = data
            .get("username")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let (sent, due) = match lock(&self.known).get(username) {
            Some(visitor) => (visitor.sent, visitor.due),
            None => return,
        };
        match kind {
            Some("registered") => lock(&self.seen).lag.push(sent.elapsed()),
            Some("expired") => {
                lock(&self.known).remove(username);
                let now = now();
                let late = Duration::from_millis(now.saturating_sub(due));
                if now < due {
                    self.violation(format!("{username} expired {} ms early (told)", due - now));
                } else if late > LATE {
                    self.violation(format!("{username} expired {late:?} late (told)"));
                }
                lock(&self.seen).told.push(late);
            }
            other => self.violation(format!("{username}: unexpected {other:?}")),
        }
    }

    /// Those whose end nobody has told of, though it is over.
    pub(super) fn untold(&self) -> usize {
        let limit = now().saturating_sub(u64::try_from(LATE.as_millis()).unwrap_or_default());
        lock(&self.known).values().filter(|v| v.due < limit).count()
    }

    /// Waits until none is there any more.
    pub(super) async fn gone(&self) -> anyhow::Result<()> {
        let last = lock(&self.known).values().map(|v| v.due).max();
        let wait = last.unwrap_or_default().saturating_sub(now()) + 3000;
        sleep(Duration::from_millis(wait)).await;
        let untold = self.untold();
        ensure!(untold == 0, "the end of {untold} was never told");
        Ok(())
    }
}

fn name(number: u32) -> String {
    format!("visitor{number:06}")
}

/// Watches how many messages wait for rollcall, for as long as the task lives.
pub(super) async fn depths(
    feeder: Arc<Feeder>,
    depths: Arc<Mutex<Vec<u32>>>,
) -> anyhow::Result<()> {
    loop {
        let depth = feeder.depth().await.context("the queue's depth")?;
        lock(&depths).push(depth);
        sleep(Duration::from_millis(250)).await;
    }
}
