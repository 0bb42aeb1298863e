//! Answers to other nodes' questions.

use kapi::{Answer, Query, TARGETED_EXCHANGE, encode_answer};

use crate::{bus::Publication, context::Context};

/// The most registrations that one answer to another node may have: no broker takes more.
pub const MAX_ANSWERED: usize = 200_000;

/// The answer to a question would have more than [`MAX_ANSWERED`] registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_ANSWERED} registrations")]
pub struct TooManyToAnswer;

/// The answer to a question, addressed to the asker.
pub(crate) fn answer(context: &Context, query: &Query) -> Result<Publication, TooManyToAnswer> {
    let (realm, username) = (query.realm.as_deref(), query.username.as_deref());
    let answer = match (query.count_only, username) {
        (true, None) => Answer::Count(context.cache.count_in(realm)),
        (true, Some(_)) => Answer::Count(context.cache.find_in(realm, username).len()),
        (false, _) => {
            let is_all = realm.is_none() && username.is_none();
            if is_all && context.cache.held() > MAX_ANSWERED {
                return Err(TooManyToAnswer);
            }
            let found = context.cache.find_in(realm, username);
            if found.len() > MAX_ANSWERED {
                return Err(TooManyToAnswer);
            }
            Answer::Registrations(found.into_iter().map(|held| held.registration()))
        }
    };
    let body = encode_answer(query, answer, context.age(), &context.settings.identity);
    let reply_to = &*query.reply_to;
    Ok(Publication::new(None, TARGETED_EXCHANGE, reply_to, body))
}
