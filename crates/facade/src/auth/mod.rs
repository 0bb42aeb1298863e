//! Checks tokens.

mod access;
mod counts;
mod crossbar;
mod jwt;
mod keys;
mod restrictions;
mod static_tokens;
mod token;

pub use access::{Access, Denied, Granted, Right, Subject};
pub use counts::CacheCounts;
pub use crossbar::{CrossbarAuth, CrossbarSettings};
pub use jwt::{JwtAuth, JwtSettings};
pub use keys::Keys;
pub use static_tokens::{StaticTokens, TokensError};
pub use token::Token;

/// The way in which tokens are checked.
pub enum Auth {
    /// Not at all: everyone may do everything. Only by explicit configuration.
    None,
    /// By a file of token hashes.
    Static(StaticTokens),
    /// By Kazoo's own tokens, verified here.
    Jwt(JwtAuth),
    /// By asking Crossbar with the caller's token.
    Crossbar(CrossbarAuth),
}

impl Auth {
    /// Checks that the bearer of `token` has a right.
    pub async fn check(
        &self,
        token: Option<&Token<'_>>,
        access: Access<'_>,
    ) -> Result<Granted, Denied> {
        match (self, token) {
            (Self::None, _) => Ok(Granted::default()),
            (_, None) => Err(Denied::NoCredentials),
            (Self::Static(tokens), Some(token)) => tokens.check(token, access),
            // Boxed, so that other modes do not take the room that these futures need.
            (Self::Jwt(jwt), Some(token)) => Box::pin(jwt.check(token.text(), access)).await,
            (Self::Crossbar(crossbar), Some(token)) => {
                Box::pin(crossbar.check(token, access)).await
            }
        }
    }

    /// Hits and misses of the cache of tokens or keys; none where there is no cache.
    pub fn cache(&self) -> CacheCounts {
        match self {
            Self::None | Self::Static(_) => CacheCounts::default(),
            Self::Jwt(jwt) => jwt.cache(),
            Self::Crossbar(crossbar) => crossbar.cache(),
        }
    }

    /// Whether `token` may be a valid one, whatever its rights.
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
