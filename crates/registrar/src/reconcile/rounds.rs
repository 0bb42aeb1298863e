//! Round by round through all realms.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use kapi::SearchType;
use registration::{Text, check_flushable};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{
    contradictions::Contradictions,
    ghosts,
    recheck::MAX_AT_ONCE,
    survey::{Survey, nodes},
};
use crate::{cache::EntryRef, context::Context, health::Round, metrics::UNANSWERED};

/// After this long, what happened before is in the proxies' databases, and old enough to be judged.
const SETTLED: Duration = Duration::from_secs(16);
/// One round in so many is in detail.
const IN_DETAIL: u64 = 5;

/// How often the proxies are asked.
#[derive(Clone, Copy, Debug)]
pub struct ReconcileSettings {
    /// From the begin of one round to that of the next.
    pub interval: Duration,
    /// Realms a second.
    pub rate: u32,
}

/// Compares what the proxies say with what the table holds.
pub(crate) struct Reconciler {
    context: Arc<Context>,
    contradictions: Contradictions,
}

impl Reconciler {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            contradictions: Contradictions::new(Arc::clone(&context)),
            context,
        }
    }

    /// Asks the proxies, round by round. Never ends. After a gap in what was heard, and when a proxy
    /// answers again that did not, the next two rounds are soon, and in detail; so is one in five at
    /// any time, since only details show a new contact at the same proxy.
    pub(crate) async fn run(&self, settings: ReconcileSettings) {
        // Rounds in detail that are due: two after each gap, since what happened at its very end is
        // not in the proxies' databases at first.
        let mut thorough = 0_u8;
        let mut away = 0;
        for number in 1_u64.. {
            let begun = Instant::now();
            let in_detail = thorough > 0 || number.is_multiple_of(IN_DETAIL);
            let unanswered = self.round(settings, in_detail).await.unanswered;
            thorough = thorough.saturating_sub(1);
            if unanswered < away {
                // Kamailio takes longer than we do to connect again. What it published meanwhile is
                // lost, and only details show a new contact of a known AOR.
                thorough = 2;
            }
            away = unanswered;
            let next = if thorough > 0 {
                settings.interval.min(SETTLED)
            } else {
                settings.interval
            };
            let rest = (begun + next).saturating_duration_since(Instant::now());
            tokio::select! {
                () = sleep(rest) => {}
                () = self.context.gap.notified() => thorough = 2,
            }
        }
    }

    async fn round(&self, settings: ReconcileSettings, thorough: bool) -> Round {
        let rechecked = if thorough {
            // Details show all of them again.
            self.contradictions.clear();
            0
        } else {
            self.contradictions.recheck_pending().await
        };
        let mut ticks = interval(Duration::from_secs(1) / settings.rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let realms = self.realms().into_iter();
        let paced = stream::unfold((ticks, realms), |(mut ticks, mut left)| async {
            let realm = left.next()?;
            ticks.tick().await;
            Some((realm, (ticks, left)))
        });
        let kind = if thorough {
            SearchType::Detail
        } else {
            SearchType::Summary
        };
        let round = paced
            .map(|realm| self.reconcile_realm(realm, kind))
            .buffer_unordered(MAX_AT_ONCE)
            .fold(Round::default(), |sum, realm| async move {
                Round {
                    ended: sum.ended,
                    realms: sum.realms + realm.realms,
                    ghosts: sum.ghosts + realm.ghosts,
                    finds: sum.finds + realm.finds,
                    unanswered: sum.unanswered + realm.unanswered,
                }
            });
        let mut round = round.await;
        round.ended = self.context.clock.now();
        round.finds += rechecked;
        let Round {
            realms,
            ghosts,
            finds,
            unanswered,
            ..
        } = round;
        if ghosts + finds + unanswered > 0 {
            tracing::info!(
                realms,
                ghosts,
                finds,
                unanswered,
                thorough,
                "proxies were asked who is registered"
            );
        }
        self.context.health.round(round);
        round
    }

    /// Realms with registrations, and those of known accounts, lower-cased.
    fn realms(&self) -> Vec<Text> {
        let mut realms = self.context.cache.realms();
        realms.extend(self.context.accounts.realms());
        realms.retain(|realm| check_flushable(realm).is_ok());
        realms.sort_unstable();
        realms.dedup();
        realms
    }

    /// Compares one realm with what the proxies hold of it.
    pub(crate) async fn reconcile_realm(&self, realm: Text, kind: SearchType) -> Round {
        let context = &*self.context;
        let held = self.held(&realm);
        let expected = nodes(&held);
        let survey = Survey::of(context, &realm, None, kind, &expected).await;
        let mut finds = survey.finds;
        if kind == SearchType::Summary {
            finds += survey.fetch_missing(context, &realm).await;
        }
        finds += self.contradictions.resolve(&held, &survey).await;
        let (ghosts, instead) = ghosts::remove(context, &realm, &held, &survey).await;
        finds += instead;
        let unanswered = expected.difference(&survey.answered).count() as u64;
        context.metrics.add(UNANSWERED, unanswered);
        Round {
            realms: 1,
            ghosts,
            finds,
            unanswered,
            ..Round::default()
        }
    }

    /// The live registrations of the very realm (and not only of its account).
    fn held(&self, realm: &str) -> Vec<EntryRef> {
        let mut held = self.context.cache.find_in(Some(realm), None);
        held.retain(|held| held.realm().eq_ignore_ascii_case(realm));
        held
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
