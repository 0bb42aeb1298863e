//! Rights, and who is asked for them.

use registration::AccountId;

/// A right to registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// List and count.
    Read,
    /// Flush.
    Write,
}

/// The accounts that a caller asks about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One account.
    Account(AccountId),
    /// All of them.
    System,
}

/// A caller's request, as far as rights go.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Whose registrations.
    pub subject: &'a Subject,
    /// To read or to change.
    pub right: Right,
    /// The HTTP method.
    pub method: &'a str,
    /// The API's endpoint, as token restrictions name it.
    pub endpoint: &'a str,
    /// The path behind the endpoint.
    pub arguments: &'a str,
}

/// A right that was granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The account's realm, if it was learned on the way.
    pub realm: Option<String>,
}

/// Why a right was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or an unknown one.
    NoCredentials,
    /// A good token, but not for this.
    NoRight,
    /// There is no such account.
    NoSuchAccount,
    /// The token could not be checked; the text is for the log.
    Unreachable(String),
}
