//! The order of lists, and where in it a page begins.

use std::cmp::Ordering;

use registrar::Held;

/// By username, then realm, both without regard to case: the order in which no registration
/// changes its place as long as it is there.
pub(crate) fn by_name(one: &Held, other: &Held) -> Ordering {
    folded(&one.username(), &other.username()).then_with(|| folded(one.realm(), other.realm()))
}

fn folded(one: &str, other: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    one.bytes().map(lower).cmp(other.bytes().map(lower))
}

/// A place in a list: that of this registration, whether it is still there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Lower-cased.
    username: Vec<u8>,
    realm: Vec<u8>,
}

impl Place {
    pub(crate) fn of(held: &Held) -> Self {
        Self {
            username: held.username().to_ascii_lowercase().into_bytes(),
            realm: held.realm().to_ascii_lowercase().into_bytes(),
        }
    }

    /// Whether a registration stands before it.
    pub(crate) fn is_after(&self, held: &Held) -> bool {
        let lower = |text: &str| text.to_ascii_lowercase().into_bytes();
        (lower(&held.username()), lower(held.realm())) < (self.username.clone(), self.realm.clone())
    }

    /// As callers are given it, and give it back.
    pub(crate) fn to_key(&self) -> String {
        let mut bytes = self.username.clone();
        bytes.push(0);
        bytes.extend_from_slice(&self.realm);
        hex::encode(bytes)
    }

    /// What a caller gave back; `None` if it can never have been given. Any other text in the same
    /// spelling names some place.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        let bytes = hex::decode(key).ok().filter(|bytes| !bytes.is_empty())?;
        let mut parts = bytes.splitn(2, |byte| *byte == 0).map(<[u8]>::to_vec);
        Some(Self {
            username: parts.next().unwrap_or_default(),
            realm: parts.next().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_names_its_place(username in "[^\0]{1,40}", realm in "[^\0]{1,40}") {
            let (username, realm) = (username.into_bytes(), realm.into_bytes());
            let place = Place { username, realm };
            prop_assert_eq!(Place::from_key(&place.to_key()), Some(place));
        }

        #[test]
        fn any_other_text_names_none_or_one_and_never_panics(key in "\\PC*") {
            let _ = Place::from_key(&key);
        }
    }
}
