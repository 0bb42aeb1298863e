//! Made-up accounts and their phones.

use std::time::Duration;

/// How often a phone refreshes. Far below what real proxies allow (300 s), so that one sees it.
pub(super) const REFRESH: Duration = Duration::from_secs(20);
/// Lifetime that a phone asks for, in seconds.
pub(super) const EXPIRES: u32 = 60;

const USER_AGENTS: [&str; 5] = [
    "Yealink SIP-T46S 66.84.0.15",
    "PolycomVVX-VVX_410-UA/5.9.6.2327",
    "Grandstream GXP2170 1.0.11.48",
    "snomD785/10.1.169.13",
    "Bria 6 release 6.5.1 stamp 109801",
];

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) realm: String,
    pub(super) name: &'static str,
}

/// A phone.
#[derive(Clone, Debug)]
pub(super) struct Phone {
    pub(super) account: Account,
    pub(super) username: String,
    pub(super) device_id: String,
    pub(super) owner_id: String,
    pub(super) user_agent: &'static str,
    pub(super) ip: String,
    pub(super) port: u16,
    /// When in its refresh interval it registers, so that not all do at once.
    pub(super) phase: Duration,
}

/// All phones of the demo.
pub(super) struct Fleet {
    pub(super) accounts: Vec<Account>,
    pub(super) phones: Vec<Phone>,
}

impl Fleet {
    /// Three accounts that share `count` phones.
    pub(super) fn new(count: u32) -> Self {
        let names = ["Acme Inc", "Bücher & Söhne", "Callers United"];
        let accounts: Vec<_> = (1u32..)
            .zip(names)
            .map(|(n, name)| Account {
                id: hex_id(n),
                realm: format!("a{n}.sip.example.com"),
                name,
            })
            .collect();
        let phones = (0..count)
            .zip(accounts.iter().cycle())
            .map(|(n, account)| phone(n, count, account))
            .collect();
        Self { accounts, phones }
    }

    pub(super) fn of<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a Phone> {
        self.phones
            .iter()
            .filter(move |phone| phone.account == *account)
    }
}

fn phone(n: u32, count: u32, account: &Account) -> Phone {
    let agent = USER_AGENTS
        .iter()
        .cycle()
        .nth(n as usize % USER_AGENTS.len());
    let [_, high, middle, low] = n.to_be_bytes();
    Phone {
        account: account.clone(),
        username: format!("user_{n:04}"),
        device_id: hex_id(0x1000_0000 + n),
        owner_id: hex_id(0x2000_0000 + n),
        user_agent: agent.copied().unwrap_or_default(),
        // Addresses of RFC 2544's benchmarking block, which no phone has.
        ip: format!("198.{}.{middle}.{low}", 18 + high % 2),
        port: 5060,
        phase: REFRESH.mul_f64(f64::from(n) / f64::from(count.max(1))),
    }
}

/// A made-up id of Kazoo's form: 32 hex digits, the same in every run.
fn hex_id(n: u32) -> String {
    // Multipliers from SplitMix64, only to look like an id.
    let mix = |seed: u64| {
        let z = (u64::from(n) + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    format!("{:016x}{:016x}", mix(0x51), mix(0xa_2000_0000))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn phones_differ_and_every_account_has_some() {
        let fleet = Fleet::new(300);
        let ids: HashSet<_> = fleet.phones.iter().map(|p| &p.device_id).collect();
        let addresses: HashSet<_> = fleet.phones.iter().map(|p| &p.ip).collect();
        assert_eq!((ids.len(), addresses.len()), (300, 300));
        for account in &fleet.accounts {
            assert_eq!(fleet.of(account).count(), 100);
            assert!(registration::AccountId::parse(&account.id).is_ok());
        }
        assert!(fleet.phones.iter().all(|p| p.phase < REFRESH));
    }
}
