//! The address of record: whom a registration is for.

use std::{fmt, sync::Arc};

/// A username in a realm, folded to lower case: the key a registration is stored under.
///
/// Usernames and realms compare without regard to ASCII case (as Kamailio and Kazoo compare them);
/// the case a phone sent is kept in [`crate::Registration`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aor(Arc<str>);

impl Aor {
    /// The AOR of a username and a realm, in any case.
    pub fn new(username: &str, realm: &str) -> Self {
        let mut text = String::with_capacity(username.len() + realm.len() + 1);
        text.push_str(username);
        text.push('@');
        text.push_str(realm);
        text.make_ascii_lowercase();
        Self(text.into())
    }

    /// The lower-cased username. (A username may hold an `@`; a realm never does.)
    pub fn username(&self) -> &str {
        self.0
            .rsplit_once('@')
            .map_or(&*self.0, |(username, _)| username)
    }

    /// The lower-cased realm.
    pub fn realm(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, realm)| realm)
    }

    /// `username@realm`, lower-cased.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_does_not_matter() {
        assert_eq!(
            Aor::new("Bob", "SIP.Example.com"),
            Aor::new("bob", "sip.example.COM")
        );
        assert_ne!(
            Aor::new("bob", "a.example.com"),
            Aor::new("bob", "b.example.com")
        );
    }

    #[test]
    fn only_ascii_is_folded() {
        assert_ne!(Aor::new("JÖRG", "x"), Aor::new("jörg", "x"));
    }

    proptest! {
        #[test]
        fn parts_come_back(username in "\\PC{1,40}", realm in "[^@]{1,40}") {
            let aor = Aor::new(&username, &realm);
            prop_assert_eq!(aor.username(), username.to_ascii_lowercase());
            prop_assert_eq!(aor.realm(), realm.to_ascii_lowercase());
        }
    }
}
