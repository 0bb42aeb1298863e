//! Which registrations may be asked for again, and by which questions.

use std::collections::HashMap;

use registration::{Text, check_flushable};

use super::survey::MAX_BY_NAME;
use crate::{cache::EntryRef, context::Context};

/// Questions that are open at once; more wait.
pub(super) const MAX_AT_ONCE: usize = 32;

/// Proxies answer from their databases, which they write every five seconds.
const MIN_AGE_SECONDS: u64 = 15;

/// Whether a registration has been unchanged for long enough, and can be asked for.
pub(super) fn is_due(context: &Context, seen: &EntryRef) -> bool {
    is_old_enough(context, seen) && is_possible(context, seen)
}

pub(super) fn is_old_enough(context: &Context, seen: &EntryRef) -> bool {
    let last = seen.last_registration().millis();
    last.plus_seconds(MIN_AGE_SECONDS) <= context.clock.now()
}

/// Whether a registration is unchanged, and a proxy can be asked for it by name: one that cannot be
/// asked for cannot be known to be gone.
pub(super) fn is_possible(context: &Context, seen: &EntryRef) -> bool {
    let now = context.cache.get(&seen.aor());
    now.is_some_and(|now| seen.is_unchanged_in(&now)) && check_flushable(seen.username()).is_ok()
}

/// A question to the proxies, and the registrations that it is about.
pub(super) struct Recheck {
    pub(super) realm: Text,
    /// `None` for all of the realm.
    pub(super) username: Option<Text>,
    pub(super) about: Vec<EntryRef>,
}

impl Recheck {
    /// The questions for these registrations: few are asked for by name, many by realm, both as the
    /// phones spell them (a proxy may compare by case).
    pub(super) fn of(seen: &[EntryRef]) -> Vec<Self> {
        let realm = |held: &EntryRef| Text::clone(held.realm_text());
        if seen.len() <= MAX_BY_NAME {
            let by_name = seen.iter().map(|one| Self {
                realm: realm(one),
                username: Some(one.username().into()),
                about: vec![one.clone()],
            });
            return by_name.collect();
        }
        let mut realms: HashMap<Text, Vec<EntryRef>> = HashMap::new();
        for one in seen {
            realms.entry(realm(one)).or_default().push(one.clone());
        }
        let by_realm = realms.into_iter().map(|(realm, about)| Self {
            realm,
            username: None,
            about,
        });
        by_realm.collect()
    }
}
