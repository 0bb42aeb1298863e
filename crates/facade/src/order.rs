//! The order of lists, and where in it a page begins.

use std::cmp::Ordering;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use registration::Registration;

/// By username, then realm, both without regard to case: the order in which no registration
/// changes its place as long as it is there.
pub(crate) fn by_name(one: &Registration, other: &Registration) -> Ordering {
    folded(&one.username, &other.username).then_with(|| folded(&one.realm, &other.realm))
}

fn folded(one: &str, other: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    one.bytes().map(lower).cmp(other.bytes().map(lower))
}

/// A place in a list: that of this registration, whether it is still there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    username: String,
    realm: String,
}

impl Place {
    pub(crate) fn of(registration: &Registration) -> Self {
        Self {
            username: registration.username.to_ascii_lowercase(),
            realm: registration.realm.to_ascii_lowercase(),
        }
    }

    /// Whether a registration stands before it.
    pub(crate) fn is_after(&self, registration: &Registration) -> bool {
        folded(&registration.username, &self.username)
            .then_with(|| folded(&registration.realm, &self.realm))
            .is_lt()
    }

    /// As callers are given it, and give it back.
    pub(crate) fn to_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\0{}", self.username, self.realm))
    }

    /// What a caller gave back; `None` if it was never given.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
        let (username, realm) = text.split_once('\0')?;
        Some(Self {
            username: username.to_owned(),
            realm: realm.to_owned(),
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
            let place = Place { username, realm };
            prop_assert_eq!(Place::from_key(&place.to_key()), Some(place));
        }

        #[test]
        fn any_other_text_names_none_or_one_and_never_panics(key in "\\PC*") {
            let _ = Place::from_key(&key);
        }
    }
}
