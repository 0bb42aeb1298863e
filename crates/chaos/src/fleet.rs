//! The phones: whose they are, and what they are called.

/// A phone: one AOR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Its number.
    pub number: u32,
    /// Number of its account.
    pub account: u32,
    /// SIP username.
    pub username: String,
}

impl Phone {
    /// `username@realm`, in lower case.
    pub fn aor(&self) -> String {
        format!("{}@{}", self.username, realm(self.account))
    }

    /// The contact that it has for the `nth` time.
    pub fn contact(&self, nth: u32) -> String {
        let [_, _, high, low] = self.number.to_be_bytes();
        // Addresses of RFC 2544's benchmarking block, which nobody has.
        let port = 10_000 + nth % 50_000;
        format!(
            "sip:{}@198.18.{high}.{low}:{port};transport=udp",
            self.username
        )
    }

    /// Id of its device.
    pub fn device(&self) -> String {
        id('d', self.number)
    }
}

/// Id of an account.
pub fn account_id(number: u32) -> String {
    id('a', number)
}

/// Realm of an account.
pub fn realm(account: u32) -> String {
    format!("a{account}.chaos.example.com")
}

fn id(kind: char, number: u32) -> String {
    format!("{kind}{number:031x}")
}

/// `count` phones that `accounts` accounts share.
pub fn fleet(count: u32, accounts: u32) -> Vec<Phone> {
    (0..count)
        .map(|number| Phone {
            number,
            account: number % accounts.max(1),
            username: format!("user{number:05}"),
        })
        .collect()
}
