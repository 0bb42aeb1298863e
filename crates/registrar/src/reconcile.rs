//! Asking the proxies who is registered, since events alone drift from the truth: a lost
//! connection and an expiry at the proxy send none, and what was published while a broker was down
//! is lost.
//!
//! A registration goes only if its own proxy has answered, and not listed it, twice; and only if
//! nothing newer was heard meanwhile, nor found at another proxy. So late or missing parts cost time,
//! never a live phone.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use kapi::{Content, Found, REGISTRAR_EXCHANGE, Search, SearchType, encode_search, search_key};
use registration::{Aor, Registration, Report, Text, Zone, check_flushable};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::{
    Outcome, Registrar,
    bus::Publication,
    changes::{Change, ChangeKind},
    delivery::Delivery,
    health::Round,
    held::Held,
    outcome::{FIND, GHOST, UNANSWERED},
    questions::{Answered, Patience},
};

/// Proxies write their databases, which they answer from, every five seconds.
const MIN_AGE_SECONDS: u64 = 15;
/// After this whatever happened before is in their databases, and old enough to be judged.
const SETTLED: Duration = Duration::from_secs(16);
/// One round in so many is in detail.
const IN_DETAIL: u64 = 5;
/// Realms that are asked for at once; more wait.
const MAX_AT_ONCE: usize = 32;
/// More than this are asked for in one question.
const MAX_BY_NAME: usize = 8;
const PATIENCE: Patience = Patience {
    limit: Duration::from_secs(5),
    grace: Duration::from_millis(700),
    idle: Duration::from_millis(1500),
};

/// How often the proxies are asked.
#[derive(Clone, Copy, Debug)]
pub struct ReconcileSettings {
    /// From the begin of one round to that of the next.
    pub interval: Duration,
    /// Realms a second.
    pub rate: u32,
}

/// What the proxies said to one question.
#[derive(Default)]
struct Survey {
    answered: HashSet<Text>,
    listed: HashMap<Aor, Listed>,
    finds: u64,
    whole: bool,
}

/// An AOR that proxies hold.
struct Listed {
    username: Text,
    nodes: HashSet<Text>,
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
        let round = Round {
            ended: self.clock.now(),
            ..round.await
        };
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
        let mut realms = self.accounts.realms();
        realms.extend(self.table.realms());
        realms.retain(|realm| check_flushable(realm).is_ok() && !self.is_elsewhere(realm));
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
    fn held(&self, realm: &str) -> Vec<Arc<Registration>> {
        let mut held = self.table.select(None, &[realm]);
        held.retain(|r| r.realm.eq_ignore_ascii_case(realm));
        held
    }

    /// Puts one question to all proxies. Details are taken into the table as they come.
    async fn survey(
        &self,
        realm: &Text,
        username: Option<&Text>,
        kind: SearchType,
        expected: &HashSet<Text>,
    ) -> Survey {
        let mut question = self.questions.open();
        let search = Search {
            kind,
            realm: Arc::clone(realm),
            username: username.cloned(),
        };
        let publication = Publication {
            zone: None,
            exchange: REGISTRAR_EXCHANGE,
            routing_key: search_key(realm),
            body: encode_search(&search, question.msg_id(), self.questions.identity()),
            mandatory: false,
        };
        question.put(&publication).await;
        let mut survey = Survey::default();
        let (listed, finds) = (&mut survey.listed, &mut survey.finds);
        let mut take = |zone: &Zone, node: Option<&Text>, found: Found| {
            let (username, realm) = match &found {
                Found::Aor { username, realm } => (username, realm),
                Found::Binding(report) => (&report.username, &report.realm),
            };
            let entry = listed
                .entry(Aor::new(username, realm))
                .or_insert_with(|| Listed {
                    username: Arc::clone(username),
                    nodes: HashSet::new(),
                });
            entry.nodes.extend(node.cloned());
            if let Found::Binding(report) = found {
                *finds += u64::from(self.take_in(zone, &report));
            }
        };
        let answered = question
            .collect(
                expected,
                PATIENCE,
                |Answered {
                     zone,
                     node,
                     content,
                 }| {
                    if let Content::Found(found) = content {
                        for found in found {
                            take(&zone, node.as_ref(), found);
                        }
                    }
                },
            )
            .await;
        survey.answered = answered;
        survey.whole = question.is_whole();
        survey
    }

    /// A binding as a proxy has it. True if it was news.
    fn take_in(&self, zone: &Zone, report: &Report) -> bool {
        let outcome = self.apply(report, Delivery::new(zone, &[]), 0);
        self.stats.count(&outcome);
        if !matches!(outcome, Outcome::Stored(_)) {
            return false;
        }
        self.stats.add(FIND, 1);
        true
    }

    /// Asks in detail for what the table lacks, or has from elsewhere, or as ended but for the
    /// padding; and for what two proxies list, since only details tell where the phone is. Returns
    /// how many were news.
    async fn fetch(&self, realm: &Text, survey: &Survey) -> u64 {
        let now = self.clock.now().seconds();
        let padding = self.settings.policy.expires_deviation;
        let is_known = |aor: &Aor, listed: &Listed| {
            self.table.get(aor).is_some_and(|held| {
                let here = held.registrar_node.as_ref();
                held.is_bound_at(now, padding)
                    && here.is_none_or(|node| listed.nodes.iter().all(|there| there == node))
            })
        };
        let lacking = survey
            .listed
            .iter()
            .filter(|(aor, listed)| !is_known(aor, listed));
        let lacking: Vec<&Listed> = lacking.map(|(_, listed)| listed).collect();
        if lacking.len() > MAX_BY_NAME {
            let all: HashSet<Text> = lacking
                .iter()
                .flat_map(|l| l.nodes.iter().cloned())
                .collect();
            return self
                .survey(realm, None, SearchType::Detail, &all)
                .await
                .finds;
        }
        let mut finds = 0;
        let safe = lacking
            .iter()
            .filter(|listed| check_flushable(&listed.username).is_ok());
        for listed in safe {
            let name = Some(&listed.username);
            let detail = self.survey(realm, name, SearchType::Detail, &listed.nodes);
            finds += detail.await.finds;
        }
        finds
    }

    /// What the table has and its own proxy, which has answered, has not. Another may list it: with
    /// what is newer than what the table has, it is taken in by now; with what is older, it is where
    /// the phone came from.
    fn suspects(&self, held: &[Arc<Registration>], survey: &Survey) -> Vec<Arc<Registration>> {
        let is_suspect = |r: &&Arc<Registration>| {
            survey.whole
                && r.registrar_node.as_ref().is_some_and(|node| {
                    let listed = survey.listed.get(&r.aor());
                    survey.answered.contains(node)
                        && listed.is_none_or(|listed| !listed.nodes.contains(node))
                })
                && self.is_unchanged_and_old(r)
                // Whatever cannot be asked for cannot be known to be gone.
                && check_flushable(&r.username).is_ok()
        };
        held.iter().filter(is_suspect).cloned().collect()
    }

    fn is_unchanged_and_old(&self, seen: &Registration) -> bool {
        let old = seen
            .last_registration
            .millis()
            .plus_seconds(MIN_AGE_SECONDS);
        let now = self.table.get(&seen.aor());
        old <= self.clock.now() && now.is_some_and(|now| is_same(&now, seen))
    }

    /// Asks once more for each, and removes those that are still unknown to their proxies. What
    /// others hold of the same AORs takes their place. Returns how many went and how many came.
    async fn remove_ghosts(&self, realm: &Text, suspects: &[Arc<Registration>]) -> (u64, u64) {
        let (mut ghosts, mut finds) = (0, 0);
        for (realm, username, suspects) in questions(suspects) {
            let again = self
                .survey(realm, username, SearchType::Summary, &nodes(&suspects))
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
                let details = self.survey(realm, username, SearchType::Detail, &elsewhere);
                finds += details.await.finds;
            }
        }
        if ghosts > 0 {
            tracing::debug!(%realm, ghosts, "registrations that their proxies do not know were removed");
        }
        (ghosts, finds)
    }

    fn remove_ghost(&self, seen: &Registration) -> bool {
        let is_same = |now: &Held| is_same(&now.registration(), seen);
        let Some(gone) = self.table.take_out(&seen.username, &seen.realm, is_same) else {
            return false;
        };
        self.stats.add(GHOST, 1);
        self.watchers
            .tell_with(|| Some(Change::gone(ChangeKind::Vanished, gone)));
        true
    }
}

/// Realm and username to ask for, and who is looked for by it.
type SecondLook<'a> = (&'a Text, Option<&'a Text>, Vec<Arc<Registration>>);

/// What to ask for to see some again: each by name, or many by realm, as the phones spell it (a proxy
/// may compare by case).
fn questions(suspects: &[Arc<Registration>]) -> Vec<SecondLook<'_>> {
    if suspects.len() <= MAX_BY_NAME {
        let each = suspects.iter();
        return each
            .map(|one| (&one.realm, Some(&one.username), vec![Arc::clone(one)]))
            .collect();
    }
    let mut spelled: HashMap<&Text, Vec<Arc<Registration>>> = HashMap::new();
    for suspect in suspects {
        let of_realm = spelled.entry(&suspect.realm).or_default();
        of_realm.push(Arc::clone(suspect));
    }
    let spelled = spelled.into_iter();
    spelled
        .map(|(realm, of_realm)| (realm, None, of_realm))
        .collect()
}

/// Whether nothing was heard of it meanwhile.
fn is_same(now: &Registration, seen: &Registration) -> bool {
    now.last_registration == seen.last_registration && now.original_contact == seen.original_contact
}

fn nodes(registrations: &[Arc<Registration>]) -> HashSet<Text> {
    registrations
        .iter()
        .filter_map(|r| r.registrar_node.clone())
        .collect()
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
