//! Tokens from a file that holds only their hashes.

use std::path::Path;

use registration::AccountId;
use serde::{Deserialize, Deserializer, de::Error as _};
use subtle::ConstantTimeEq as _;

use super::{
    access::{Access, Denied, Granted, Right, Subject},
    token::Token,
};

/// Why a tokens file cannot be used. Hashes are not repeated in it.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// Cannot be read at all.
    #[error("cannot read the tokens file {path}")]
    Read {
        /// Which file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Is not TOML of the right shape.
    #[error("the tokens file is not as expected, at {place}: {message}")]
    Shape {
        /// Where in it.
        place: String,
        /// What is wrong.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    token: Vec<Grant>,
}

/// The rights of a token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    /// For people.
    #[serde(rename = "name")]
    _name: String,
    #[serde(deserialize_with = "sha256")]
    sha256: [u8; 32],
    accounts: Vec<Accounts>,
    #[serde(default)]
    write: bool,
}

/// Accounts that a token is for.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum Accounts {
    One(AccountId),
    All,
}

impl TryFrom<String> for Accounts {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "*" {
            return Ok(Self::All);
        }
        let account = AccountId::parse(&text).map(Self::One);
        account.map_err(|_| "accounts takes account ids (32 lower-case hex digits) or \"*\"")
    }
}

/// Reads a hash; the error does not repeat it.
fn sha256<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let digits = String::deserialize(deserializer)?;
    let mut sha256 = [0; 32];
    let takes = "sha256 takes 64 hex digits: the token's SHA-256";
    hex::decode_to_slice(digits, &mut sha256).map_err(|_| D::Error::custom(takes))?;
    Ok(sha256)
}

impl Grant {
    /// Whether it gives this right.
    fn allows(&self, subject: &Subject, right: Right) -> bool {
        let is_for = |accounts: &Accounts| match (accounts, subject) {
            (Accounts::All, _) => true,
            (Accounts::One(own), Subject::Account(account)) => own == account,
            (Accounts::One(_), Subject::System) => false,
        };
        self.accounts.iter().any(is_for) && (right == Right::Read || self.write)
    }
}

/// The grants of a tokens file.
#[derive(Debug)]
pub struct StaticTokens(Vec<Grant>);

impl StaticTokens {
    /// Reads a tokens file.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| TokensError::Read {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads the text of a tokens file.
    pub fn parse(text: &str) -> Result<Self, TokensError> {
        let file: File = toml::from_str(text).map_err(|error| {
            // Not the error's own rendering: that quotes the line, hash and all.
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            let place = format!("line {}", before.matches('\n').count() + 1);
            TokensError::Shape {
                place,
                message: error.message().to_owned(),
            }
        })?;
        Ok(Self(file.token))
    }

    pub(super) fn check(&self, token: &Token<'_>, access: Access<'_>) -> Result<Granted, Denied> {
        let grant = self.find(token).ok_or(Denied::NoCredentials)?;
        if grant.allows(access.subject, access.right) {
            Ok(Granted::default())
        } else {
            Err(Denied::NoRight)
        }
    }

    /// The grant of a token. Every entry is compared, each in constant time.
    pub(super) fn find(&self, token: &Token<'_>) -> Option<&Grant> {
        let digest = token.digest();
        self.0.iter().fold(None, |found, grant| {
            if bool::from(grant.sha256.ct_eq(&digest)) {
                Some(grant)
            } else {
                found
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
    const B: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    /// SHA-256 of `secret`.
    const HASH: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    fn file(accounts: &str, write: bool) -> String {
        format!(
            "[[token]]\nname = \"ui\"\nsha256 = \"{HASH}\"\naccounts = [{accounts}]\nwrite = {write}\n"
        )
    }

    #[test]
    fn a_grant_is_for_its_accounts_and_rights_only() {
        let [a, b] = [A, B].map(|id| Subject::Account(AccountId::parse(id).unwrap()));
        let tokens = StaticTokens::parse(&file(&format!("\"{A}\""), false)).unwrap();
        let grant = tokens.find(&Token::new("secret")).unwrap();
        assert!(
            grant.allows(&a, Right::Read)
                && !grant.allows(&a, Right::Write)
                && !grant.allows(&b, Right::Read)
                && !grant.allows(&Subject::System, Right::Read)
        );
        let tokens = StaticTokens::parse(&file("\"*\"", true)).unwrap();
        let grant = tokens.find(&Token::new("secret")).unwrap();
        assert!(grant.allows(&b, Right::Write) && grant.allows(&Subject::System, Right::Read));
        for wrong in ["", "Secret", "secret ", HASH] {
            assert!(tokens.find(&Token::new(wrong)).is_none(), "{wrong}");
        }
    }

    #[test]
    fn errors_do_not_repeat_the_hash() {
        for (bad, says) in [
            (file("\"short\"", true), "accounts"),
            (file("\"*\"", true).replace(HASH, "2bb8"), "sha256"),
            (file("\"*\"", true).replace("write", "wirte"), "wirte"),
            (file("\"*\"", true).replace("name", "#"), "name"),
        ] {
            let error = StaticTokens::parse(&bad).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("2bb80d537b1da3e3"), "{error}");
        }
    }
}
