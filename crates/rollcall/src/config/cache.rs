//! `[accounts]`, `[cache]`: whose registrations are held, and how many.

use std::path::PathBuf;

use registrar::Capacity;
use registration::Policy;

use super::reader::Reader;

/// `[accounts]`
#[derive(Debug)]
pub struct Accounts {
    /// File that maps accounts to realms.
    pub realms_file: Option<PathBuf>,
}

impl Accounts {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            realms_file: r.path("accounts.realms_file"),
        }
    }
}

/// `[cache]`
#[derive(Debug)]
pub struct Cache {
    /// How long registrations live, and what fills in for a missing realm.
    pub policy: Policy,
    /// Seconds that an event may be ahead of our clock before it is counted.
    pub max_clock_skew: u32,
    /// The most registrations in all, and of one account.
    pub capacity: Capacity,
}

impl Cache {
    pub(super) fn read(r: &mut Reader) -> Self {
        let expires_deviation = r.number("cache.expires_deviation", "seconds", 0..=86_400, 180);
        let max_clock_skew = r.number("cache.max_clock_skew", "seconds", 0..=86_400, 60);
        let mut registrations =
            |key, least, default| r.number(key, "registrations", least..=100_000_000, default);
        let capacity = Capacity {
            registrations: registrations("cache.max_registrations", 1_000, 5_000_000),
            of_account: registrations("cache.max_account_registrations", 1, 100_000),
        };
        let default_realm = r.text("cache.default_realm", "a realm", "nodomain.com");
        Self {
            policy: Policy {
                expires_deviation,
                default_realm: default_realm.into(),
            },
            max_clock_skew,
            capacity,
        }
    }
}
