//! Tokens from a file that holds only their hashes.

use std::{collections::HashSet, path::Path};

use registration::AccountId;
use serde::Deserialize;
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
    /// An entry's value cannot be used.
    #[error("token {name:?}: {key} takes {takes}")]
    Value {
        /// The entry.
        name: String,
        /// Which of its keys.
        key: &'static str,
        /// What that takes.
        takes: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    token: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    accounts: Vec<String>,
    #[serde(default)]
    write: bool,
}

/// The rights of a token.
#[derive(Debug)]
pub(super) struct Grant {
    sha256: [u8; 32],
    all_accounts: bool,
    accounts: HashSet<AccountId>,
    write: bool,
}

impl Grant {
    /// Whether it gives this right.
    fn allows(&self, subject: &Subject, right: Right) -> bool {
        let concerns = self.all_accounts
            || match subject {
                Subject::Account(account) => self.accounts.contains(account),
                Subject::System => false,
            };
        concerns && (right == Right::Read || self.write)
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
        file.token
            .iter()
            .map(grant)
            .collect::<Result<_, _>>()
            .map(Self)
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

fn grant(entry: &Entry) -> Result<Grant, TokensError> {
    let bad = |key, takes| TokensError::Value {
        name: entry.name.clone(),
        key,
        takes,
    };
    let mut sha256 = [0; 32];
    hex::decode_to_slice(&entry.sha256, &mut sha256)
        .map_err(|_| bad("sha256", "64 hex digits: the token's SHA-256"))?;
    let mut accounts = HashSet::new();
    for account in entry.accounts.iter().filter(|account| *account != "*") {
        accounts.insert(AccountId::parse(account).map_err(|_| {
            bad(
                "accounts",
                "account ids (32 lower-case hex digits) or \"*\"",
            )
        })?);
    }
    let all_accounts = entry.accounts.iter().any(|account| account == "*");
    Ok(Grant {
        all_accounts,
        accounts,
        sha256,
        write: entry.write,
    })
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
