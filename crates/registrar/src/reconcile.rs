//! Asking the proxies who is registered, since events alone drift from the truth: a lost
//! connection and an expiry at the proxy send none, and what was published while a broker was down
//! is lost.
//!
//! What a proxy has and the table lacks is taken in as it is told ([`survey`]); what the table has and
//! its proxy has not is asked for again before it is believed ([`doubts`]).

mod doubts;
mod survey;

pub(crate) use doubts::Young;

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use kapi::SearchType;
use registration::{Text, check_flushable};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::{Registrar, health::Round, held::Held, outcome::UNANSWERED};

/// After this whatever happened before is in the proxies' databases, and old enough to be judged.
const SETTLED: Duration = Duration::from_secs(16);
/// One round in so many is in detail.
const IN_DETAIL: u64 = 5;
/// Realms that are asked for at once; more wait.
const MAX_AT_ONCE: usize = 32;
/// More than this are asked for in one question.
const MAX_BY_NAME: usize = 8;

/// How often the proxies are asked.
#[derive(Clone, Copy, Debug)]
pub struct ReconcileSettings {
    /// From the begin of one round to that of the next.
    pub interval: Duration,
    /// Realms a second.
    pub rate: u32,
}

impl Registrar {
    /// Asks the proxies, round by round, for as long as the registrar is there. After a gap in what
    /// was heard, and when a proxy answers again that did not, the next two rounds are soon, and in
    /// detail; so is one in five at any time, since a new contact at the same proxy shows in details
    /// only.
    pub async fn reconcile(self: &Arc<Self>, settings: ReconcileSettings) {
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
                // Kamailio takes its time to connect again, longer than we do: what it published
                // meanwhile is lost, and a new contact of a known AOR shows in details only.
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
                () = self.gap.notified() => thorough = 2,
            }
        }
    }

    async fn round(self: &Arc<Self>, settings: ReconcileSettings, thorough: bool) -> Round {
        // In detail all of it shows again.
        let young = if thorough {
            self.young.take();
            0
        } else {
            self.judge_young().await
        };
        let realms = self.realms();
        let mut ticks = interval(Duration::from_secs(1) / settings.rate.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let paced = stream::unfold((ticks, realms.into_iter()), |(mut ticks, mut left)| async {
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
            .map(|realm| async move { self.reconcile_realm(realm, kind).await })
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
        round.ended = self.clock.now();
        round.finds += young;
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
        self.health.round(round);
        round
    }

    /// Realms that somebody is registered in, and those of known accounts, lower-cased.
    fn realms(&self) -> Vec<Text> {
        let mut realms = self.table.realms();
        realms.extend(self.table.former_realms());
        realms.extend(self.accounts.realms());
        realms.retain(|realm| check_flushable(realm).is_ok());
        realms.sort_unstable();
        realms.dedup();
        realms
    }

    /// Compares one realm with what the proxies hold of it.
    pub(crate) async fn reconcile_realm(&self, realm: Text, kind: SearchType) -> Round {
        let held = self.held(&realm);
        let expected = nodes(&held);
        let survey = self.survey(&realm, None, kind, &expected).await;
        let mut finds = survey.finds;
        if kind == SearchType::Summary {
            finds += self.fetch(&realm, &survey).await;
        }
        finds += self.concede(&held, &survey).await;
        let suspects = self.suspects(&held, &survey);
        let (ghosts, instead) = self.remove_ghosts(&realm, &suspects).await;
        finds += instead;
        let unanswered = expected.difference(&survey.answered).count() as u64;
        self.stats.add(UNANSWERED, unanswered);
        Round {
            realms: 1,
            ghosts,
            finds,
            unanswered,
            ..Round::default()
        }
    }

    /// The live registrations of the very realm (and not only of its account).
    fn held(&self, realm: &str) -> Vec<Held> {
        let mut held = self.of_realm(realm);
        held.retain(|held| held.realm().eq_ignore_ascii_case(realm));
        held
    }
}

fn nodes(held: &[Held]) -> HashSet<Text> {
    held.iter()
        .filter_map(|held| held.node().cloned())
        .collect()
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
