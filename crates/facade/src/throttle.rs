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

use actix_web::HttpRequest;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use moka::sync::Cache;

use crate::{auth::Token, boundary::RequestMeta, error::ApiError};

/// For how long bad tokens are counted.
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses and tokens that are counted; the least used go first.
const MAX_COUNTED: u64 = 100_000;

/// How often callers may ask.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleSettings {
    /// Requests a second of one address; `None` for any number.
    pub requests: Option<NonZeroU32>,
    /// Requests with a bad token, a minute, of one address or with one token.
    pub failures: u32,
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
    /// When it has come.
    now: Instant,
}

impl Caller {
    pub(crate) fn of(req: &HttpRequest, token: Option<&Token<'_>>) -> Self {
        Self {
            now: RequestMeta::of(req).at,
            address: req.head().peer_addr.map(|address| address.ip()),
            token: token.map(Token::digest),
        }
    }

    fn who(&self) -> impl Iterator<Item = Who> {
        let address = self.address.map(Who::Address);
        address.into_iter().chain(self.token.map(Who::Token))
    }
}

/// Which good tokens were noted within the window, so that the cache of them, which takes far longer,
/// is asked once a window. A token takes the place of another one now and then: that costs time only.
struct Noted(Box<[AtomicU64]>);

impl Default for Noted {
    fn default() -> Self {
        Self((0..Self::PLACES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Noted {
    const PLACES: usize = 1024;
    /// Of a word, which second it was; the rest is the token's.
    const SECOND: u64 = 0xff_ffff;

    fn place(&self, token: &Digest) -> Option<(&AtomicU64, u64)> {
        let (words, _) = token.as_chunks();
        let [first, second, ..] = words else {
            return None;
        };
        let at = usize::from_le_bytes(*first) % Self::PLACES;
        Some((self.0.get(at)?, u64::from_le_bytes(*second) & !Self::SECOND))
    }

    fn note(&self, token: &Digest, second: u64) {
        if let Some((place, own)) = self.place(token) {
            place.store(own | second & Self::SECOND, Ordering::Relaxed);
        }
    }

    fn forget(&self, token: &Digest) {
        if let Some((place, _)) = self.place(token) {
            place.store(0, Ordering::Relaxed);
        }
    }

    fn has_within_window(&self, token: &Digest, second: u64) -> bool {
        self.place(token).is_some_and(|(place, own)| {
            let noted = place.load(Ordering::Relaxed);
            let since = second.wrapping_sub(noted) & Self::SECOND;
            noted & !Self::SECOND == own && since < WINDOW.as_secs()
        })
    }
}

/// Counts.
pub struct Throttle {
    requests: Option<DefaultKeyedRateLimiter<IpAddr>>,
    failures: Cache<Who, Arc<AtomicU32>>,
    /// Tokens that were good within the window: whoever shares an address with a guesser goes on.
    good: Cache<Digest, ()>,
    noted: Noted,
    max_failures: u32,
    born: Instant,
    /// The second of its life that the last bad token came in, from 1 on; 0 if none has.
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
                // Noted again once a window, so that each of them is known for a whole one.
                .time_to_live(2 * WINDOW)
                .build(),
            noted: Noted::default(),
            max_failures: settings.failures,
            born: Instant::now(),
            last_failure: AtomicU64::new(0),
        }
    }

    /// Fails if the address asks too often.
    pub(crate) fn admit_request(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        let (Some(limiter), Some(address)) = (&self.requests, address) else {
            return Ok(());
        };
        limiter.check_key(&address).map_err(|not_until| {
            let wait = not_until.wait_time_from(limiter.clock().now());
            ApiError::TooManyRequests {
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

    /// In which second of its life that is.
    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.born).as_secs() + 1
    }

    /// Whether no bad token at all has come within the window, as mostly none has.
    fn is_quiet(&self, caller: &Caller) -> bool {
        let last = self.last_failure.load(Ordering::Relaxed);
        last == 0 || self.second(caller.now) > last + WINDOW.as_secs()
    }

    /// Fails if the address has sent, or the token was, a bad one too often.
    pub(crate) fn admit_token(&self, caller: &Caller) -> Result<(), ApiError> {
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
            return Err(ApiError::TooManyRequests {
                retry_after: WINDOW.as_secs(),
            });
        }
        Ok(())
    }

    /// Notes a good token.
    pub(crate) fn succeeded(&self, caller: &Caller) {
        let Some(token) = caller.token else { return };
        let second = self.second(caller.now);
        if self.noted.has_within_window(&token, second) {
            return;
        }
        self.good.insert(token, ());
        self.noted.note(&token, second);
    }

    /// Notes a bad token.
    pub(crate) fn failed(&self, caller: &Caller) {
        // To find out may have taken a while.
        let second = self.second(Instant::now());
        self.last_failure.store(second, Ordering::Relaxed);
        if let Some(token) = &caller.token {
            self.good.invalidate(token);
            self.noted.forget(token);
        }
        for who in caller.who() {
            let count = self.failures.get_with(who, Arc::default);
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
