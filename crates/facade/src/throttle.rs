//! Limits on how often: requests of an address, and bad tokens.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix_web::HttpRequest;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;

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

#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    /// By its digest.
    Token([u8; 32]),
}

/// Counts.
pub struct Throttle {
    requests: Option<DefaultKeyedRateLimiter<IpAddr>>,
    failures: Cache<Who, Arc<AtomicU32>>,
    /// Tokens that were good a moment ago: whoever shares an address with a guesser goes on.
    good: Cache<[u8; 32], ()>,
    max_failures: u32,
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
                .time_to_live(WINDOW)
                .build(),
            max_failures: settings.failures,
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

    /// Fails if the address has sent, or the token was, a bad one too often.
    pub(crate) fn admit_token(
        &self,
        req: &HttpRequest,
        token: Option<&str>,
    ) -> Result<(), ApiError> {
        let has_failed = |who: &Who| {
            self.failures
                .get(who)
                .is_some_and(|count| count.load(Ordering::Relaxed) >= self.max_failures)
        };
        let who = who(req, token);
        let is_good =
            |who: &Who| matches!(who, Who::Token(digest) if self.good.contains_key(digest));
        if who.iter().any(has_failed) && !who.iter().any(is_good) {
            return Err(ApiError::TooManyRequests {
                retry_after: WINDOW.as_secs(),
            });
        }
        Ok(())
    }

    /// Notes a good token.
    pub(crate) fn succeeded(&self, token: Option<&str>) {
        if let Some(token) = token {
            self.good.insert(digest(token), ());
        }
    }

    /// Notes a bad token.
    pub(crate) fn failed(&self, req: &HttpRequest, token: Option<&str>) {
        for who in who(req, token) {
            if let Who::Token(digest) = &who {
                self.good.invalidate(digest);
            }
            let count = self.failures.get_with(who, Arc::default);
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn who(req: &HttpRequest, token: Option<&str>) -> Vec<Who> {
    let address = req.peer_addr().map(|address| Who::Address(address.ip()));
    let token = token.map(|token| Who::Token(digest(token)));
    address.into_iter().chain(token).collect()
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
