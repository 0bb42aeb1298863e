//! Look-ups that no account bounds, and answers to other nodes' questions.

use kapi::{Answer, Query, TARGETED_EXCHANGE, encode_answer};
use registration::Aor;

use crate::{
    bus::Publication,
    cache::{Cache, EntryRef},
    context::Context,
};

/// The most registrations that one answer to another node may have: no broker takes more.
pub const MAX_ANSWERED: usize = 200_000;

/// The answer to a question would have more than [`MAX_ANSWERED`] registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_ANSWERED} registrations")]
pub struct TooManyToAnswer;

/// The live registrations of a realm, or whose account has it, or of all realms; those of a
/// username, in any case, or all. In no order.
pub(crate) fn find(cache: &Cache, realm: Option<&str>, username: Option<&str>) -> Vec<EntryRef> {
    match (realm, username) {
        (Some(realm), username) => cache.find_in(realm, username),
        (None, None) => cache.all(),
        (None, Some(username)) => {
            let realms = cache.realms();
            let aors = realms.iter().map(|realm| Aor::new(username, realm));
            aors.filter_map(|aor| cache.get(&aor)).collect()
        }
    }
}

/// How many registrations there are of a realm, or whose account has it, or of all realms; the
/// latter with those that have ended within the last two seconds.
pub(crate) fn count(cache: &Cache, realm: Option<&str>) -> usize {
    realm.map_or_else(|| cache.held(), |realm| cache.count(None, &[realm]))
}

/// The answer to a question, addressed to the asker.
pub(crate) fn answer(context: &Context, query: &Query) -> Result<Publication, TooManyToAnswer> {
    let (realm, username) = (query.realm.as_deref(), query.username.as_deref());
    let answer = match (query.count_only, username) {
        (true, None) => Answer::Count(count(&context.cache, realm)),
        (true, Some(_)) => Answer::Count(find(&context.cache, realm, username).len()),
        (false, _) => {
            let is_all = realm.is_none() && username.is_none();
            if is_all && context.cache.held() > MAX_ANSWERED {
                return Err(TooManyToAnswer);
            }
            let found = find(&context.cache, realm, username);
            if found.len() > MAX_ANSWERED {
                return Err(TooManyToAnswer);
            }
            Answer::Registrations(found.into_iter().map(|held| held.registration()))
        }
    };
    let body = encode_answer(query, answer, context.age(), &context.settings.identity);
    Ok(Publication {
        zone: None,
        exchange: TARGETED_EXCHANGE,
        routing_key: query.reply_to.to_string(),
        body,
        mandatory: false,
    })
}
