//! What a flush names, the messages that say so, and how a flush can fail.

use std::collections::BTreeSet;

use kapi::{Flush, Identity, REGISTRAR_EXCHANGE, encode_flush, flush_key};
use registration::{Aor, Text, UnsafeName, Zone, check_flushable};

use crate::{
    accounts::Scope,
    bus::{Publication, PublishFailure},
    cache::EntryRef,
};

/// A flush that the brokers took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// How many registrations the table forgot.
    pub forgotten: usize,
    /// How many of them were so young that the proxies may not find them yet: these are flushed
    /// again.
    pub repeated: usize,
    /// Zones whose broker did not take it, and why: their proxies still hold the phones.
    pub missing: Vec<(Zone, PublishFailure)>,
}

impl Flushed {
    /// Adds zones that were not reached, without repetition.
    pub(crate) fn lacks(&mut self, missing: Vec<(Zone, PublishFailure)>) {
        for lacking in missing {
            if !self.missing.iter().any(|(zone, _)| *zone == lacking.0) {
                self.missing.push(lacking);
            }
        }
    }
}

/// Why a flush did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlushError {
    /// A name that would reach the proxies' SQL.
    #[error("the {what} {name:?} {reason}")]
    Unsafe {
        /// `username` or `realm`.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: UnsafeName,
    },
    /// This username is not registered in the account.
    #[error("{0:?} is not registered")]
    NotRegistered(String),
    /// No broker took the flush, so nothing more was forgotten.
    #[error("no broker took the flush: {}", reasons(.missing))]
    Unreachable {
        /// Every zone and what is wrong there.
        missing: Vec<(Zone, PublishFailure)>,
        /// How many registrations had been flushed before, by way of other realms.
        forgotten: usize,
    },
}

fn reasons(missing: &[(Zone, PublishFailure)]) -> String {
    let each: Vec<_> = missing
        .iter()
        .map(|(zone, reason)| format!("zone {zone}: {reason}"))
        .collect();
    each.join("; ")
}

/// Checks a name that is to be sent to the proxies.
pub(crate) fn check(what: &'static str, name: &str) -> Result<(), FlushError> {
    check_flushable(name).map_err(|reason| FlushError::Unsafe {
        what,
        name: name.to_owned(),
        reason,
    })
}

/// The flushes for all of an account: one for each of its realms, and one by name for each
/// registration in a realm that is not its own (that may hold other accounts' phones too).
pub(crate) fn of_account(scope: &Scope, found: &[EntryRef]) -> Vec<Flush> {
    let realms = scope.realms.iter().map(|realm| Flush {
        realm: realm.clone(),
        username: None,
        cache_only: false,
    });
    let is_own = |realm: &str| {
        scope
            .realms
            .iter()
            .any(|own| own.eq_ignore_ascii_case(realm))
    };
    let elsewhere = found
        .iter()
        .filter(|held| !is_own(held.realm()))
        // A phone with a hostile name must not keep the account from being flushed. The proxy would
        // not find it anyway.
        .filter(|held| held.is_flushable());
    realms.chain(by_name(elsewhere)).collect()
}

/// One flush by username and realm for each AOR, lower-cased: the one case that the proxies find
/// with either of their database schemas.
pub(crate) fn by_name<'a>(found: impl IntoIterator<Item = &'a EntryRef>) -> Vec<Flush> {
    let aors: BTreeSet<Aor> = found.into_iter().map(EntryRef::aor).collect();
    aors.iter().map(of_aor).collect()
}

/// The flush of one AOR.
pub(crate) fn of_aor(aor: &Aor) -> Flush {
    Flush {
        realm: aor.realm().into(),
        username: Some(aor.username().into()),
        cache_only: false,
    }
}

/// One flush by username for each of these realms, for phones that only a proxy knows.
pub(crate) fn by_force(realms: &[Text], username: &str) -> Vec<Flush> {
    let username: Text = username.to_ascii_lowercase().into();
    let flush = |realm: &Text| Flush {
        realm: realm.clone(),
        username: Some(username.clone()),
        cache_only: false,
    };
    realms.iter().map(flush).collect()
}

/// The message of a flush, for every zone.
pub(crate) fn publication(flush: &Flush, identity: &Identity) -> Publication {
    let (key, body) = (flush_key(&flush.realm), encode_flush(flush, identity));
    Publication {
        mandatory: true,
        ..Publication::new(None, REGISTRAR_EXCHANGE, key, body)
    }
}

/// Checks every name of these flushes.
pub(crate) fn check_all(flushes: &[Flush]) -> Result<(), FlushError> {
    for flush in flushes {
        check("realm", &flush.realm)?;
        flush
            .username
            .as_deref()
            .map_or(Ok(()), |username| check("username", username))?;
    }
    Ok(())
}

/// Whether a flush names a registration: realm and username match in any case, the realm being the
/// registration's or its account's.
pub(crate) fn names(flush: &Flush, held: &EntryRef) -> bool {
    let is_named = |username: &Text| held.username().eq_ignore_ascii_case(username);
    held.is_of_realm(&flush.realm) && flush.username.as_ref().is_none_or(is_named)
}
