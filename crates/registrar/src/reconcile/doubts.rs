//! What the table has and the proxies do not.
//!
//! A registration goes only if its own proxy has answered, and not listed it, twice; and only if
//! nothing newer was heard meanwhile, nor found at another proxy. So late or missing parts cost time,
//! never a live phone. By the same rule a contact gives way to another that its proxy holds, though
//! what was heard of it is newer: proxies also tell of contacts that they do not hold.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt as _, stream};
use kapi::SearchType;
use parking_lot::Mutex;
use registration::{Registration, Report, Text, Zone, check_flushable};

use super::{MAX_AT_ONCE, MAX_BY_NAME, nodes, survey::Survey};
use crate::{
    Registrar,
    changes::{Change, ChangeKind},
    delivery::Delivery,
    held::Held,
    outcome::GHOST,
};

/// Proxies write their databases, which they answer from, every five seconds.
const MIN_AGE_SECONDS: u64 = 15;

impl Registrar {
    /// What the table has and its own proxy, which has answered, has not. Another may list it: with
    /// what is newer than what the table has, it is taken in by now; with what is older, it is where
    /// the phone came from.
    pub(super) fn suspects(&self, held: &[Held], survey: &Survey) -> Vec<Held> {
        let is_suspect = |held: &&Held| {
            survey.whole
                && held.node().is_some_and(|node| {
                    let listed = survey.listed.get(&held.aor());
                    survey.answered.contains(node)
                        && listed.is_none_or(|listed| !listed.nodes.contains(node))
                })
                && self.may_be_doubted(held)
        };
        held.iter().filter(is_suspect).cloned().collect()
    }

    /// Whether nothing was heard of it for long enough, and it can be asked for.
    fn may_be_doubted(&self, seen: &Held) -> bool {
        self.is_old_enough(seen) && self.can_be_asked_for(seen)
    }

    fn is_old_enough(&self, seen: &Held) -> bool {
        let last = seen.last_registration().millis();
        last.plus_seconds(MIN_AGE_SECONDS) <= self.clock.now()
    }

    /// Whether nothing was heard of it meanwhile, and a proxy can be asked by its name: whatever
    /// cannot be asked for cannot be known to be gone.
    fn can_be_asked_for(&self, seen: &Held) -> bool {
        let now = self.table.look_up(&seen.aor());
        now.is_some_and(|now| is_same(&now, seen)) && check_flushable(&seen.username()).is_ok()
    }

    /// Asks once more for each, and removes those that are still unknown to their proxies. What
    /// others hold of the same AORs takes their place. Returns how many went and how many came.
    pub(super) async fn remove_ghosts(&self, realm: &Text, suspects: &[Held]) -> (u64, u64) {
        let (mut ghosts, mut finds) = (0, 0);
        for (realm, username, suspects) in questions(suspects) {
            let again = self
                .survey(
                    &realm,
                    username.as_ref(),
                    SearchType::Summary,
                    &nodes(&suspects),
                )
                .await;
            let mut elsewhere = HashSet::new();
            for ghost in self.suspects(&suspects, &again) {
                if self.remove_ghost(&ghost) {
                    ghosts += 1;
                    let listed = again.listed.get(&ghost.aor());
                    elsewhere.extend(listed.into_iter().flat_map(|listed| listed.nodes.clone()));
                }
            }
            if !elsewhere.is_empty() {
                let details =
                    self.survey(&realm, username.as_ref(), SearchType::Detail, &elsewhere);
                finds += details.await.finds;
            }
        }
        if ghosts > 0 {
            tracing::debug!(%realm, ghosts, "registrations that their proxies do not know were removed");
        }
        (ghosts, finds)
    }

    fn remove_ghost(&self, seen: &Held) -> bool {
        let is_same = |now: &Held| is_same(now, seen);
        let gone = self.table.take_out(&seen.username(), seen.realm(), is_same);
        let Some(gone) = gone else {
            return false;
        };
        self.stats.add(GHOST, 1);
        self.watchers
            .tell_with(|| Some(Change::gone(ChangeKind::Vanished, gone)));
        true
    }

    /// Asks once more, in detail, for what proxies hold another contact of than the table has from
    /// them, and takes their word for it; of what is too young to be judged, in the rounds to come.
    /// Returns how many changed.
    pub(super) async fn concede(&self, held: &[Held], survey: &Survey) -> u64 {
        let told = held
            .iter()
            .filter(|seen| contradiction(seen, survey).is_some());
        let doubtful = self.old_enough(told.cloned());
        self.look_again(&doubtful).await
    }

    /// Those of the contradicted that are old enough to be judged; keeps the others that will be.
    fn old_enough(&self, told: impl IntoIterator<Item = Held>) -> Vec<Held> {
        // Whatever was heard meanwhile speaks for itself.
        let told = told.into_iter().filter(|seen| self.can_be_asked_for(seen));
        let (old, young) = told.partition(|seen| self.is_old_enough(seen));
        self.young.keep(young);
        old
    }

    /// Judges what was too young in the rounds before. Returns how many changed.
    pub(super) async fn judge_young(&self) -> u64 {
        let doubtful = self.old_enough(self.young.take());
        stream::iter(doubtful)
            .map(|one| async move { self.look_again(&[one]).await })
            .buffer_unordered(MAX_AT_ONCE)
            .fold(0, |sum, finds| async move { sum + finds })
            .await
    }

    async fn look_again(&self, doubtful: &[Held]) -> u64 {
        let mut finds = 0;
        for (realm, username, doubtful) in questions(doubtful) {
            let again = self
                .survey(
                    &realm,
                    username.as_ref(),
                    SearchType::Detail,
                    &nodes(&doubtful),
                )
                .await;
            finds += again.finds;
            let old = doubtful.iter().filter(|seen| self.may_be_doubted(seen));
            for seen in old {
                let told = contradiction(seen, &again);
                finds += u64::from(told.is_some_and(|told| self.believe(seen, told)));
            }
        }
        finds
    }

    /// Puts what a proxy holds in the place of what it does not, unless more was heard meanwhile.
    fn believe(&self, seen: &Held, (zone, report): &(Zone, Report)) -> bool {
        let hearing = self.hearing(Delivery::new(zone, &[]), 0);
        let (last, contact) = (seen.last_registration(), seen.contact());
        let is_still = |live: &Registration| {
            live.last_registration == last && live.original_contact == contact
        };
        let applied = self.table.concede(report, hearing, is_still);
        let is_news = self.found(&self.done(&applied, report));
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

/// What the registration's own proxy, which does not hold it, holds instead: the newest of it.
fn contradiction<'a>(seen: &Held, survey: &'a Survey) -> Option<&'a (Zone, Report)> {
    let listed = survey.listed.get(&seen.aor())?;
    let is_told = survey.whole && !listed.is_confirmed;
    let others = listed.others.iter().filter(|_| is_told);
    others
        .filter(|(_, other)| other.registrar_node.as_ref() == seen.node())
        .max_by_key(|(_, other)| other.time)
}

/// Registrations that their proxies contradict, but that are too young to be judged.
#[derive(Default)]
pub(crate) struct Young(Mutex<Vec<Held>>);

impl Young {
    /// As many are kept; the others show again when all is asked for in detail.
    const MOST: usize = 64;

    fn keep(&self, young: Vec<Held>) {
        let mut kept = self.0.lock();
        let room = Self::MOST.saturating_sub(kept.len());
        kept.extend(young.into_iter().take(room));
    }

    /// All of them.
    pub(super) fn take(&self) -> Vec<Held> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Realm and username to ask for, and who is looked for by it.
type SecondLook = (Text, Option<Text>, Vec<Held>);

/// What to ask for to see some again: each by name, or many by realm, as the phones spell it (a proxy
/// may compare by case).
fn questions(suspects: &[Held]) -> Vec<SecondLook> {
    let realm = |held: &Held| Text::clone(&held.slot().owner().realm);
    if suspects.len() <= MAX_BY_NAME {
        let each = suspects.iter();
        return each
            .map(|one| (realm(one), Some(one.username().into()), vec![one.clone()]))
            .collect();
    }
    let mut spelled: HashMap<Text, Vec<Held>> = HashMap::new();
    for suspect in suspects {
        let of_realm = spelled.entry(realm(suspect)).or_default();
        of_realm.push(suspect.clone());
    }
    let spelled = spelled.into_iter();
    spelled
        .map(|(realm, of_realm)| (realm, None, of_realm))
        .collect()
}

/// Whether nothing was heard of it meanwhile.
fn is_same(now: &Held, seen: &Held) -> bool {
    now.last_registration() == seen.last_registration() && now.contact() == seen.contact()
}
