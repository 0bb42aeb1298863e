//! Limits on how often: requests of an address, and bad tokens.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use moka::sync::Cache;

use crate::auth::Token;

/// For how long bad tokens are counted.
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses and tokens that are counted.
const MAX_COUNTED: u64 = 100_000;

/// How often callers may ask.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleSettings {
    /// Requests a second of one address; `None` for any number.
    pub requests: Option<NonZeroU32>,
    /// Requests with a bad token, a minute, of one address or with one token.
    pub failures: u32,
}

/// A caller that asks too often.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many requests, or too many with a bad token")]
pub(crate) struct Throttled {
    /// Seconds to wait.
    pub(crate) retry_after: u64,
}

/// A token by its SHA-256.
type Digest = [u8; 32];

#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Token(Digest),
}

/// Whom a bad token is counted against.
pub(crate) struct Caller {
    address: Option<IpAddr>,
    token: Option<Digest>,
    /// When the request came.
    now: Instant,
}

impl Caller {
    pub(crate) fn new(address: Option<IpAddr>, token: Option<&Token<'_>>, now: Instant) -> Self {
        Self {
            address,
            token: token.map(Token::digest),
            now,
        }
    }

    fn who(&self) -> impl Iterator<Item = Who> {
        let address = self.address.map(Who::Address);
        address.into_iter().chain(self.token.map(Who::Token))
    }
}

/// Counts requests and bad tokens.
pub struct Throttle {
    requests: Option<DefaultKeyedRateLimiter<IpAddr>>,
    failures: Cache<Who, Arc<AtomicU32>>,
    /// Tokens that were good lately: their callers go on, though they share an address with a guesser.
    good: Cache<Digest, ()>,
    max_failures: u32,
    start: Instant,
    /// The second since the start in which the last bad token came, from 1 on; 0 if none has.
    last_failure: AtomicU64,
}

impl Throttle {
    /// Nothing counted yet.
    pub fn new(settings: ThrottleSettings) -> Self {
        let quota = settings.requests.map(Quota::per_second);
        Self {
            requests: quota.map(RateLimiter::keyed),
            failures: Cache::builder()
                .max_capacity(MAX_COUNTED)
                .time_to_live(WINDOW)
                .build(),
            good: Cache::builder()
                .max_capacity(MAX_COUNTED)
                .time_to_idle(2 * WINDOW)
                .build(),
            max_failures: settings.failures,
            start: Instant::now(),
            last_failure: AtomicU64::new(0),
        }
    }

    /// Fails if the address asks too often.
    pub(crate) fn admit_request(&self, address: Option<IpAddr>) -> Result<(), Throttled> {
        let (Some(limiter), Some(address)) = (&self.requests, address) else {
            return Ok(());
        };
        limiter.check_key(&address).map_err(|not_until| {
            let wait = not_until.wait_time_from(limiter.clock().now());
            Throttled {
                retry_after: wait.as_secs() + 1,
            }
        })
    }

    /// Forgets addresses that have not asked for a while; to be called from time to time.
    pub fn sweep(&self) {
        if let Some(limiter) = &self.requests {
            limiter.retain_recent();
        }
    }

    /// Seconds since the start, from 1 on.
    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs() + 1
    }

    /// Whether no bad token at all has come within the window, as mostly none has.
    fn is_quiet(&self, caller: &Caller) -> bool {
        let last = self.last_failure.load(Ordering::Relaxed);
        last == 0 || self.second(caller.now) > last + WINDOW.as_secs()
    }

    /// Fails if bad tokens came too often from this address, or this token was bad too often.
    pub(crate) fn admit_token(&self, caller: &Caller) -> Result<(), Throttled> {
        if self.is_quiet(caller) {
            return Ok(());
        }
        let has_failed = |who: Who| {
            self.failures
                .get(&who)
                .is_some_and(|count| count.load(Ordering::Relaxed) >= self.max_failures)
        };
        let is_good = || (caller.token).is_some_and(|token| self.good.contains_key(&token));
        if caller.who().any(has_failed) && !is_good() {
            return Err(Throttled {
                retry_after: WINDOW.as_secs(),
            });
        }
        Ok(())
    }

    /// Notes that a caller's token was good.
    pub(crate) fn succeeded(&self, caller: &Caller) {
        if let Some(token) = caller.token
            && self.good.get(&token).is_none()
        {
            self.good.insert(token, ());
        }
    }

    /// Notes that a caller's token was bad.
    pub(crate) fn failed(&self, caller: &Caller) {
        // The check may have taken a while.
        let second = self.second(Instant::now());
        self.last_failure.store(second, Ordering::Relaxed);
        if let Some(token) = &caller.token {
            self.good.invalidate(token);
        }
        for who in caller.who() {
            let count = self.failures.get_with(who, Arc::default);
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
