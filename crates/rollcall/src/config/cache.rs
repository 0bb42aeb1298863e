//! `[cache]`: the table of registrations.

use super::{narrow, reader::Reader};

/// `[cache]`
#[derive(Debug)]
pub struct Cache {
    /// Seconds added to every registration's lifetime.
    pub expires_deviation: u32,
    /// Seconds that an event may be ahead of our clock before it is counted.
    pub max_clock_skew: u32,
    /// To-Host and From-Host of events that have none.
    pub default_realm: String,
    /// The most registrations in all.
    pub max_registrations: usize,
    /// The most registrations of one account.
    pub max_account_registrations: usize,
}

impl Cache {
    pub(super) fn read(r: &mut Reader) -> Self {
        let expires_deviation = r.number("cache.expires_deviation", "seconds", 0..=86_400, 180);
        let max_clock_skew = r.number("cache.max_clock_skew", "seconds", 0..=86_400, 60);
        let default = "nodomain.com".to_owned();
        let realm = |text: &str| Some(text.to_owned());
        let all = 1_000..=100_000_000;
        let max_registrations =
            r.number("cache.max_registrations", "registrations", all, 5_000_000);
        let of_account = r.number(
            "cache.max_account_registrations",
            "registrations",
            1..=100_000_000,
            100_000,
        );
        Self {
            max_registrations: narrow(max_registrations, usize::MAX),
            max_account_registrations: narrow(of_account, usize::MAX),
            expires_deviation: narrow(expires_deviation, u32::MAX),
            max_clock_skew: narrow(max_clock_skew, u32::MAX),
            default_realm: r.parsed("cache.default_realm", "a realm", default, realm),
        }
    }
}
