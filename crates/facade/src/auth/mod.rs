//! Who may do what.

mod counts;
mod crossbar;
mod jwt;
mod keys;
mod restrictions;
mod static_tokens;
mod token;

pub use counts::CacheCounts;
pub use crossbar::{CrossbarAuth, CrossbarSettings};
pub use jwt::{JwtAuth, JwtSettings};
pub use keys::Keys;
pub use static_tokens::{StaticTokens, TokensError};
pub use token::Token;
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

/// What a caller wants to do it to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One account.
    Account(AccountId),
    /// All of them.
    System,
}

/// What a caller asks for.
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
    /// What stands behind the endpoint in the path.
    pub arguments: &'a str,
}

/// A caller may, and what was learned on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The account's realm.
    pub realm: Option<String>,
}

/// Why a caller may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or one that nobody knows.
    NoCredentials,
    /// A good token, but not for this.
    NoRight,
    /// There is no such account.
    NoSuchAccount,
    /// It could not be found out; the text is for the log.
    Unreachable(String),
}

/// How callers are told apart.
pub enum Auth {
    /// They are not: everyone may do everything. Only ever by explicit configuration.
    None,
    /// By a file of token hashes.
    Static(StaticTokens),
    /// By Kazoo's own tokens, verified here.
    Jwt(JwtAuth),
    /// By asking Crossbar with the caller's token.
    Crossbar(CrossbarAuth),
}

impl Auth {
    /// Whether the bearer of `token` may do as asked.
    pub async fn check(
        &self,
        token: Option<&Token<'_>>,
        access: Access<'_>,
    ) -> Result<Granted, Denied> {
        match (self, token) {
            (Self::None, _) => Ok(Granted::default()),
            (_, None) => Err(Denied::NoCredentials),
            (Self::Static(tokens), Some(token)) => tokens.check(token, access),
            // Apart, so that every answer does not take the room that these may need.
            (Self::Jwt(jwt), Some(token)) => Box::pin(jwt.check(token.text(), access)).await,
            (Self::Crossbar(crossbar), Some(token)) => {
                Box::pin(crossbar.check(token, access)).await
            }
        }
    }

    /// How often what was learned of tokens and keys was remembered; never where
    /// nothing is to be learned.
    pub fn cache(&self) -> CacheCounts {
        match self {
            Self::None | Self::Static(_) => CacheCounts::default(),
            Self::Jwt(jwt) => jwt.cache(),
            Self::Crossbar(crossbar) => crossbar.cache(),
        }
    }

    /// Whether `token` may be one that somebody holds, whatever it may do.
    pub async fn knows(&self, token: Option<&Token<'_>>) -> bool {
        let Some(token) = token else {
            return matches!(self, Self::None);
        };
        match self {
            // Crossbar can only be asked about an account.
            Self::None | Self::Crossbar(_) => true,
            Self::Static(tokens) => tokens.find(token).is_some(),
            Self::Jwt(jwt) => jwt.verify(token.text()).await.is_ok(),
        }
    }
}
