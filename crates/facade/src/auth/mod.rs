//! Who may do what.

mod static_tokens;
mod token;

pub use static_tokens::{StaticTokens, TokensError};
pub(crate) use token::token_of;

use registration::AccountId;

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// List and count.
    Read,
    /// Flush.
    Write,
}

/// Why a caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or one that nobody knows.
    NoCredentials,
    /// A good token, but not for this.
    NoRight,
}

/// How callers are told apart.
#[derive(Debug)]
pub enum Auth {
    /// They are not: everyone may do everything. Only ever by explicit configuration.
    None,
    /// By a file of token hashes.
    Static(StaticTokens),
}

impl Auth {
    /// Whether the bearer of `token` has `right` to the account.
    pub fn check(
        &self,
        token: Option<&str>,
        account: &AccountId,
        right: Right,
    ) -> Result<(), Denied> {
        match self {
            Self::None => Ok(()),
            Self::Static(tokens) => {
                let grant = token
                    .and_then(|token| tokens.find(token))
                    .ok_or(Denied::NoCredentials)?;
                if grant.allows(account, right) {
                    Ok(())
                } else {
                    Err(Denied::NoRight)
                }
            }
        }
    }

    /// Whether `token` is one that somebody holds, whatever it may do.
    pub fn knows(&self, token: Option<&str>) -> bool {
        match self {
            Self::None => true,
            Self::Static(tokens) => token.and_then(|token| tokens.find(token)).is_some(),
        }
    }
}
