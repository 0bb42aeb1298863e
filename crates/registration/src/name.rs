//! Names that identify: accounts, zones, and which usernames and realms may be flushed.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// A Kazoo account's id: 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId([u8; 32]);

/// Why a string is no [`AccountId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account id is 32 lower-case hex digits")]
pub struct NameError;

impl AccountId {
    /// Takes 32 lower-case hex digits and nothing else.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let hex = |byte: u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(&byte);
        let digits: [u8; 32] = text.as_bytes().try_into().map_err(|_| NameError)?;
        // All of them are looked at, so that it takes no branch for each.
        let are_hex = digits.iter().fold(true, |all, byte| all & hex(*byte));
        are_hex.then_some(Self(digits)).ok_or(NameError)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        // They are ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The name of the account's database, as Kazoo encodes it in messages.
    pub fn database(&self) -> String {
        let digits = self.as_str();
        let (head, rest) = digits.split_at_checked(2).unwrap_or(("", digits));
        let (next, tail) = rest.split_at_checked(2).unwrap_or(("", rest));
        format!("account%2F{head}%2F{next}%2F{tail}")
    }
}

/// As four words, which take a hasher less time than bytes.
impl Hash for AccountId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (words, _) = self.0.as_chunks();
        for word in words {
            state.write_u64(u64::from_le_bytes(*word));
        }
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A zone of the cluster: a data centre with a broker of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(Arc<str>);

impl Zone {
    /// The zone of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The most bytes a username or realm may have in a flush: Kamailio cuts routing keys at 255.
pub const MAX_NAME_BYTES: usize = 255;

/// Why a username or realm must not be sent in a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeName {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    #[error("has {0} bytes; at most {MAX_NAME_BYTES} are taken")]
    TooLong(usize),
    /// A character that the proxy would read as SQL, or a control character.
    #[error("holds {0:?}; quotes, backslash, `;`, `%` and control characters are refused")]
    Character(char),
}

/// Whether a username or realm may be sent to the proxies in a flush.
///
/// Kazoo's Kamailio pastes both into an SQL statement: `x' or 'a'='a` as a username unregisters
/// every phone of the proxy. So whatever the caller's rights, such a name never leaves.
pub fn check_flushable(name: &str) -> Result<(), UnsafeName> {
    if name.is_empty() {
        return Err(UnsafeName::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(UnsafeName::TooLong(name.len()));
    }
    let dangerous = |c: char| matches!(c, '\'' | '"' | '`' | '\\' | ';' | '%') || c.is_control();
    name.chars()
        .find(|&c| dangerous(c))
        .map_or(Ok(()), |c| Err(UnsafeName::Character(c)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn account_ids_are_exact() {
        let id = AccountId::parse("4f1c2d3e4f5061728394a5b6c7d8e9f0").unwrap();
        assert_eq!(
            id.database(),
            "account%2F4f%2F1c%2F2d3e4f5061728394a5b6c7d8e9f0"
        );
        for bad in [
            "",
            "4f1c",
            "4F1C2D3E4F5061728394A5B6C7D8E9F0",
            "zz1c2d3e4f5061728394a5b6c7d8e9f0",
        ] {
            assert_eq!(AccountId::parse(bad), Err(NameError), "{bad}");
        }
    }

    #[test]
    fn names_that_would_reach_sql_are_refused() {
        for bad in [
            "x' or 'a'='a",
            "o'x",
            "a\"b",
            "a`b",
            "a\\b",
            "a;b",
            "a%b",
            "a\0b",
            "a\nb",
            "a\u{7f}b",
        ] {
            assert!(
                matches!(check_flushable(bad), Err(UnsafeName::Character(_))),
                "{bad:?}"
            );
        }
        assert_eq!(check_flushable(""), Err(UnsafeName::Empty));
        assert_eq!(
            check_flushable(&"x".repeat(256)),
            Err(UnsafeName::TooLong(256))
        );
    }

    #[test]
    fn names_phones_have_are_taken() {
        for good in [
            "user_bob",
            "1001",
            "+15551234567",
            "bücher",
            "a b",
            "sip.example.com",
            "a@b",
            &"x".repeat(255),
        ] {
            assert_eq!(check_flushable(good), Ok(()), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_with_a_quote_passes(before in "\\PC*", after in "\\PC*") {
            let refused = check_flushable(&format!("{before}'{after}")).is_err();
            prop_assert!(refused);
        }
    }
}
