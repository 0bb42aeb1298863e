//! Made-up accounts, devices and their SIP credentials.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SIP device with its credentials and what Kazoo's directory knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// SIP realm.
    pub realm: String,
    /// SIP username.
    pub username: String,
    /// SIP password.
    pub password: String,
    /// Account id.
    pub account_id: String,
    /// Account name.
    pub account_name: String,
    /// Device id.
    pub device_id: String,
    /// User id.
    pub owner_id: String,
}

/// `per_realm` subscribers in each realm, one account per realm; the same in every run.
pub fn generate(realms: &[&str], per_realm: usize) -> Vec<Subscriber> {
    let in_realm = |realm: &&str| {
        let realm = (*realm).to_owned();
        (1..=per_realm).map(move |n| Subscriber {
            username: format!("user{n:03}"),
            password: format!("planted-{n}-{realm}"),
            account_id: account_id(&realm),
            account_name: format!("Account \"{realm}\" & Söhne"),
            device_id: id(&format!("device {n} {realm}")),
            owner_id: id(&format!("owner {n} {realm}")),
            realm: realm.clone(),
        })
    };
    realms.iter().flat_map(in_realm).collect()
}

/// The id of the account that has `realm`.
pub fn account_id(realm: &str) -> String {
    id(&format!("account {realm}"))
}

/// An id of Kazoo's form, 32 hex digits, made from a name.
fn id(name: &str) -> String {
    hex(&Sha256::digest(name.as_bytes()))
        .chars()
        .take(32)
        .collect()
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
