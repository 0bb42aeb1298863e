//! The order of lists, and where in it a page begins.

use std::cmp::Ordering;

use registrar::EntryRef;

/// Sorts by username, then realm, both without regard to case: no registration changes its place for
/// as long as it is there.
pub(super) fn sort(registrations: &mut [EntryRef]) {
    registrations.sort_by_cached_key(prefix);
    for alike in registrations.chunk_by_mut(|one, other| prefix(one) == prefix(other)) {
        alike.sort_by(by_name);
    }
}

/// The first 16 bytes of the username, lower-cased, as one number that sorts like them.
fn prefix(entry: &EntryRef) -> u128 {
    let mut prefix = [0; 16];
    let username = entry.username();
    prefix
        .iter_mut()
        .zip(username.bytes())
        .for_each(|(to, byte)| *to = byte.to_ascii_lowercase());
    u128::from_be_bytes(prefix)
}

/// Compares by username, then realm, both without regard to case.
pub(crate) fn by_name(one: &EntryRef, other: &EntryRef) -> Ordering {
    folded(one.username(), other.username()).then_with(|| folded(one.realm(), other.realm()))
}

fn folded(one: &str, other: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    one.bytes().map(lower).cmp(other.bytes().map(lower))
}

/// A place in a list: that of a registration, whether it is still there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Lower-cased.
    username: Vec<u8>,
    realm: Vec<u8>,
}

impl Cursor {
    pub(super) fn of(entry: &EntryRef) -> Self {
        Self {
            username: entry.username().to_ascii_lowercase().into_bytes(),
            realm: entry.realm().to_ascii_lowercase().into_bytes(),
        }
    }

    /// Whether a registration stands before it.
    pub(super) fn is_after(&self, entry: &EntryRef) -> bool {
        let Self { username, realm } = Self::of(entry);
        (username, realm) < (self.username.clone(), self.realm.clone())
    }

    /// The key that callers are given.
    pub(super) fn to_key(&self) -> String {
        let mut bytes = self.username.clone();
        bytes.push(0);
        bytes.extend_from_slice(&self.realm);
        hex::encode(bytes)
    }

    /// Reads a key that a caller gives back; `None` if it is not one.
    pub(super) fn from_key(key: &str) -> Option<Self> {
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
        fn a_key_names_its_cursor(username in "[^\0]{1,40}", realm in "[^\0]{1,40}") {
            let (username, realm) = (username.into_bytes(), realm.into_bytes());
            let cursor = Cursor { username, realm };
            prop_assert_eq!(Cursor::from_key(&cursor.to_key()), Some(cursor));
        }

        #[test]
        fn any_other_text_names_none_or_one_and_never_panics(key in "\\PC*") {
            let _ = Cursor::from_key(&key);
        }
    }
}
