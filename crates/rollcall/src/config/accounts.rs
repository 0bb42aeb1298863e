//! `[accounts]`: accounts and their realms.

use std::path::PathBuf;

use super::reader::Reader;

/// `[accounts]`
#[derive(Debug)]
pub struct Accounts {
    /// File that maps accounts to realms.
    pub realms_file: Option<PathBuf>,
}

impl Accounts {
    pub(super) fn read(r: &mut Reader) -> Self {
        Self {
            realms_file: r.path("accounts.realms_file"),
        }
    }
}
