//! Flushes, and whether what was answered is true.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use fastrand::Rng;
use reqwest::StatusCode;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    fault::Struck,
    fleet::{account_id, realm},
    proxy::{Proxy, lock},
    random::stream,
    subject::Api,
    world::{ACCOUNTS, World},
};

const STREAM: u64 = 3;
/// By then every proxy has got it.
const ARRIVAL: Duration = Duration::from_secs(6);
/// A fault so soon after the answer may have hit it on its way from the broker.
const EXCUSE: Duration = Duration::from_secs(2);

/// What became of all flushes.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Answered with 200.
    pub taken: u32,
    /// 200 with a warning.
    pub warned: u32,
    /// 404: not registered.
    pub unknown: u32,
    /// 503.
    pub refused: u32,
    /// No answer, since rollcall did not run.
    pub unanswered: u32,
    /// Proxies that got one in time.
    pub arrived: u32,
    /// Proxies that did not, but the broker failed just then.
    pub excused: u32,
    /// Proxies that had nothing to say, being unbound at the time.
    pub unbound: u32,
    /// What must not be.
    pub violations: Vec<String>,
}

/// Orders flushes until it is stopped.
pub struct Flusher {
    /// rollcall.
    pub api: Api,
    /// Proxies and phones.
    pub world: Arc<World>,
    /// What was broken.
    pub struck: Struck,
    /// The count.
    pub tally: Arc<Mutex<Tally>>,
}

/// What is flushed.
struct Order {
    path: String,
    realm: String,
    username: Option<String>,
}

impl Order {
    fn draw(random: &mut Rng, world: &World) -> Option<Self> {
        if random.u32(..8) == 0 {
            let account = random.u32(..ACCOUNTS);
            return Some(Self {
                path: format!("/v2/accounts/{}/registrations", account_id(account)),
                realm: realm(account),
                username: None,
            });
        }
        let phone = random.choice(&world.phones)?;
        let account = account_id(phone.account);
        Some(Self {
            path: format!("/v2/accounts/{account}/registrations/{}", phone.username),
            realm: realm(phone.account),
            username: Some(phone.username.clone()),
        })
    }
}

impl Flusher {
    /// Orders flushes for as long as the task lives.
    pub async fn run(self, seed: u64) {
        let mut random = stream(seed, STREAM);
        let mut checks = JoinSet::new();
        loop {
            sleep(Duration::from_millis(random.u64(1_000..4_000))).await;
            if let Some(order) = Order::draw(&mut random, &self.world) {
                self.carry_out(order, &mut checks).await;
            }
            while checks.try_join_next().is_some() {}
        }
    }

    async fn carry_out(&self, order: Order, checks: &mut JoinSet<()>) {
        let (begun, stay) = (Instant::now(), self.api.stay());
        if let Some(username) = &order.username {
            let aor = format!("{username}@{}", order.realm);
            self.world.history.note(&aor, "DELETE begins");
        }
        let bound: Vec<(Arc<Proxy>, Option<Instant>)> = self
            .world
            .proxies
            .iter()
            .map(|proxy| (Arc::clone(proxy), proxy.bound_since()))
            .collect();
        let answer = self.api.call("DELETE", &order.path).await;
        let answered = Instant::now();
        let at = self.world.history.seconds();
        let mut tally = lock(&self.tally);
        let (status, body) = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tally.unanswered += 1;
                if stay.is_multiple_of(2) && stay == self.api.stay() {
                    let line = format!("{at:.2} DELETE {}: {error:#}", order.path);
                    tally.violations.push(line);
                }
                return;
            }
        };
        if let Some(username) = &order.username {
            let aor = format!("{username}@{}", order.realm);
            let note = body.get("note").map(ToString::to_string);
            let line = format!("DELETE: {status} {}", note.unwrap_or_default());
            self.world.history.note(&aor, &line);
        }
        match status {
            StatusCode::OK if body.get("warning").is_some() => tally.warned += 1,
            StatusCode::OK => {
                tally.taken += 1;
                for (proxy, since) in bound {
                    let still = proxy.bound_since();
                    if since.is_none() || still != since {
                        tally.unbound += 1;
                        continue;
                    }
                    let check = Check {
                        proxy,
                        realm: order.realm.clone(),
                        username: order.username.clone(),
                        begun,
                        answered,
                        at,
                    };
                    let (struck, tally) = (Arc::clone(&self.struck), Arc::clone(&self.tally));
                    checks.spawn(check.run(struck, tally));
                }
            }
            StatusCode::NOT_FOUND => tally.unknown += 1,
            StatusCode::SERVICE_UNAVAILABLE => tally.refused += 1,
            other => {
                let line = format!("{at:.2} DELETE {}: {other}: {body}", order.path);
                tally.violations.push(line);
            }
        }
    }
}

/// Whether a proxy that was there gets a flush.
struct Check {
    proxy: Arc<Proxy>,
    realm: String,
    username: Option<String>,
    begun: Instant,
    answered: Instant,
    at: f64,
}

impl Check {
    async fn run(self, struck: Struck, tally: Arc<Mutex<Tally>>) {
        let deadline = Instant::now() + ARRIVAL;
        let username = self.username.as_deref();
        while Instant::now() < deadline {
            if self.proxy.has_seen(self.begun, &self.realm, username) {
                lock(&tally).arrived += 1;
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        let excuse = lock(&struck).iter().any(|(from, until, kind)| {
            kind.loses_flushes()
                && *from <= self.answered + EXCUSE
                && until.is_none_or(|until| until >= self.begun)
        });
        let mut tally = lock(&tally);
        if excuse {
            tally.excused += 1;
        } else {
            let whom = username.unwrap_or("*");
            tally.violations.push(format!(
                "{:.2} the flush of {whom}@{} was answered with 200 but never reached {}",
                self.at,
                self.realm,
                self.proxy.node()
            ));
        }
    }
}
