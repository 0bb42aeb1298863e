//! The static map of accounts to realms.

use std::{collections::HashMap, path::Path};

use anyhow::Context as _;
use registration::AccountId;
use serde::Deserialize;

use crate::config::Accounts;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    accounts: HashMap<String, Vec<String>>,
}

/// The realms of accounts that the configuration names.
pub(crate) fn of(accounts: &Accounts) -> anyhow::Result<HashMap<AccountId, Vec<String>>> {
    let file = accounts.realms_file.as_deref();
    file.map_or_else(|| Ok(HashMap::new()), read)
}

/// Reads a realms file: under `[accounts]` a line per account, `"<account id>" = ["realm", …]`.
fn read(path: &Path) -> anyhow::Result<HashMap<AccountId, Vec<String>>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read accounts.realms_file {}", path.display()))?;
    parse(&text).with_context(|| format!("accounts.realms_file {} cannot be used", path.display()))
}

fn parse(text: &str) -> anyhow::Result<HashMap<AccountId, Vec<String>>> {
    let file: File = toml::from_str(text)?;
    let entry = |(account, realms): (String, Vec<String>)| {
        let id = AccountId::parse(&account).with_context(|| format!("account {account:?}"))?;
        anyhow::ensure!(
            !realms.is_empty(),
            "account {account:?} has no realm: name at least one"
        );
        for realm in &realms {
            registration::check_flushable(realm)
                .with_context(|| format!("realm {realm:?} of account {account}"))?;
        }
        Ok((id, realms))
    };
    file.accounts.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";

    #[test]
    fn many_realms_an_account() {
        let map = parse(&format!(
            "[accounts]\n\"{ID}\" = [\"a.example.com\", \"b.example.com\"]\n"
        ))
        .unwrap();
        assert_eq!(map.get(&AccountId::parse(ID).unwrap()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (bad, says) in [
            ("[accounts]\nshort = [\"a\"]".to_owned(), "short"),
            (format!("[accounts]\n\"{ID}\" = []"), "no realm"),
            (format!("[accounts]\n\"{ID}\" = [\"a'b\"]"), "a'b"),
            ("[acounts]\n".to_owned(), "acounts"),
        ] {
            let error = format!("{:#}", parse(&bad).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}
