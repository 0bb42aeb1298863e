//! Ghosts: registrations that the table has and their proxies have not.
//!
//! A registration goes only if its own proxy has answered, and not listed it, twice; and only if
//! nothing newer was heard meanwhile, nor found at another proxy. So late or missing answers cost
//! time, but never a live phone.

use std::collections::HashSet;

use kapi::SearchType;
use registration::Text;

use super::{
    recheck::{Recheck, is_due},
    survey::{Survey, nodes},
};
use crate::{cache::ChangeKind, cache::EntryRef, context::Context, metrics::GHOST};

/// Asks once more for each registration that its proxy has not listed, and removes those that are
/// still unknown there. Bindings that other proxies hold of the same AORs take their place. Returns
/// how many went and how many came.
pub(super) async fn remove(
    context: &Context,
    realm: &Text,
    held: &[EntryRef],
    survey: &Survey,
) -> (u64, u64) {
    let (mut ghosts, mut finds) = (0, 0);
    for Recheck {
        realm,
        username,
        about,
    } in Recheck::of(&unlisted(context, held, survey))
    {
        let (name, asked) = (username.as_ref(), nodes(&about));
        let again = Survey::of(context, &realm, name, SearchType::Summary, &asked).await;
        let mut elsewhere = HashSet::new();
        for ghost in unlisted(context, &about, &again) {
            if remove_one(context, &ghost) {
                ghosts += 1;
                let listed = again.listed.get(&ghost.aor());
                elsewhere.extend(listed.into_iter().flat_map(|listed| listed.nodes.clone()));
            }
        }
        if !elsewhere.is_empty() {
            let details = Survey::of(context, &realm, name, SearchType::Detail, &elsewhere);
            finds += details.await.finds;
        }
    }
    if ghosts > 0 {
        tracing::debug!(%realm, ghosts, "registrations that their proxies do not know were removed");
    }
    (ghosts, finds)
}

/// Registrations whose own proxy has answered and not listed them. Another proxy may list them: if its
/// binding is newer than the table's, it has been taken in by now; if it is older, the phone has left
/// that proxy.
fn unlisted(context: &Context, held: &[EntryRef], survey: &Survey) -> Vec<EntryRef> {
    let is_unlisted = |held: &&EntryRef| {
        survey.whole
            && held.node().is_some_and(|node| {
                let listed = survey.listed.get(&held.aor());
                survey.answered.contains(node)
                    && listed.is_none_or(|listed| !listed.nodes.contains(node))
            })
            && is_due(context, held)
    };
    held.iter().filter(is_unlisted).cloned().collect()
}

fn remove_one(context: &Context, seen: &EntryRef) -> bool {
    let gone = context.take_out(seen, ChangeKind::Vanished);
    context.metrics.add(GHOST, u64::from(gone.is_some()));
    gone.is_some()
}
