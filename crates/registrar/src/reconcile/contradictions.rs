//! Contradictions: registrations for which their proxies hold another contact than the table.
//!
//! Proxies also tell of contacts that they do not hold. So the contact that a proxy holds takes the
//! other's place, even if what was heard of that is newer, under the same rule as for ghosts: the
//! proxy has said so twice, and nothing newer was heard meanwhile.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use kapi::SearchType;
use parking_lot::Mutex;
use registration::{Report, Zone};

use super::{
    recheck::{MAX_AT_ONCE, Recheck, is_due, is_old_enough, is_possible},
    survey::{Survey, count, nodes},
};
use crate::{cache::EntryRef, context::Context, outcome::Outcome};

/// Finds and resolves contradictions.
pub(super) struct Contradictions {
    context: Arc<Context>,
    pending: PendingRecheck,
}

impl Contradictions {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            pending: PendingRecheck::default(),
        }
    }

    /// Asks once more, in detail, for the contradicted registrations, and believes the proxies. Those
    /// that are too young to be judged wait for the rounds to come. Returns how many changed.
    pub(super) async fn resolve(&self, held: &[EntryRef], survey: &Survey) -> u64 {
        let told = held.iter();
        let told = told.filter(|seen| contradiction(seen, survey).is_some());
        let old = self.old_enough(told.cloned());
        self.ask_again(&old).await
    }

    /// Judges those that were too young in the rounds before. Returns how many changed.
    pub(super) async fn recheck_pending(&self) -> u64 {
        let old = self.old_enough(self.pending.take());
        stream::iter(old)
            .map(|one| async move { self.ask_again(&[one]).await })
            .buffer_unordered(MAX_AT_ONCE)
            .fold(0, |sum, finds| async move { sum + finds })
            .await
    }

    /// Forgets those that were too young.
    pub(super) fn clear(&self) {
        self.pending.take();
    }

    #[cfg(test)]
    pub(super) fn pending(&self) -> Vec<EntryRef> {
        self.pending.take()
    }

    /// Those that are old enough to be judged; keeps the others that will be.
    fn old_enough(&self, told: impl IntoIterator<Item = EntryRef>) -> Vec<EntryRef> {
        let context = &self.context;
        // Where more was heard meanwhile, that counts.
        let told = told.into_iter().filter(|seen| is_possible(context, seen));
        let (old, young) = told.partition(|seen| is_old_enough(context, seen));
        self.pending.keep(young);
        old
    }

    async fn ask_again(&self, seen: &[EntryRef]) -> u64 {
        let context = &self.context;
        let mut finds = 0;
        for Recheck {
            realm,
            username,
            about,
        } in Recheck::of(seen)
        {
            let (name, nodes) = (username.as_ref(), nodes(&about));
            let again = Survey::of(context, &realm, name, SearchType::Detail, &nodes).await;
            finds += again.finds;
            for seen in about.iter().filter(|seen| is_due(context, seen)) {
                let told = contradiction(seen, &again);
                finds += u64::from(told.is_some_and(|told| self.believe(seen, told)));
            }
        }
        finds
    }

    /// Replaces a registration by what its proxy holds, unless more was heard meanwhile.
    fn believe(&self, seen: &EntryRef, (zone, report): &(Zone, Report)) -> bool {
        let context = &*self.context;
        let is_still = |live: &EntryRef| seen.is_unchanged_in(live);
        let heard = context.heard(zone, false, 0);
        let decision = context.cache.override_with(report, heard, is_still);
        let is_news = count(context, &Outcome::from(&decision));
        if is_news {
            tracing::debug!(
                username = %report.username,
                realm = %report.realm,
                "a contact that its proxy does not hold gave way to one that it does"
            );
        }
        is_news
    }
}

/// The newest contact that the registration's own proxy holds instead of the table's.
fn contradiction<'a>(seen: &EntryRef, survey: &'a Survey) -> Option<&'a (Zone, Report)> {
    let listed = survey.listed.get(&seen.aor())?;
    let is_told = survey.whole && !listed.is_confirmed;
    let others = listed.others.iter().filter(|_| is_told);
    others
        .filter(|(_, other)| other.registrar_node.as_ref() == seen.node())
        .max_by_key(|(_, other)| other.time)
}

/// Contradicted registrations that are too young to be judged.
#[derive(Default)]
struct PendingRecheck(Mutex<Vec<EntryRef>>);

impl PendingRecheck {
    /// The most that are kept. The others show again when all is asked for in detail.
    const MOST: usize = 64;

    fn keep(&self, young: Vec<EntryRef>) {
        let mut kept = self.0.lock();
        let room = Self::MOST.saturating_sub(kept.len());
        kept.extend(young.into_iter().take(room));
    }

    /// Takes all of them.
    fn take(&self) -> Vec<EntryRef> {
        std::mem::take(&mut *self.0.lock())
    }
}
