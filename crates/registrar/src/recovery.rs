//! Learning what happened while nobody listened: from the proxies' replays, from other registrars,
//! and at last from asking the proxies in detail.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use kapi::{
    Content, PeerQuestion, REGISTRAR_EXCHANGE, SYNC_KEY, encode_query, encode_sync, query_key,
};
use registration::{Registration, Report, Text, Zone};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout_at},
};

use crate::{
    Registrar, bus::Publication, changes::Change, health::Warmth, outcome::MERGED,
    questions::Patience,
};

/// A replay has no end mark; this long without another word of it is one.
const QUIET: Duration = Duration::from_secs(2);
/// A link that comes and goes must not have everybody asked each time.
const APART: Duration = Duration::from_secs(15);
/// How long peers have to say how many registrations they have.
const COUNTING: Duration = Duration::from_secs(2);
/// More than this are asked for realm by realm: an answer is a single message.
const MAX_IN_ONE: u64 = 20_000;
/// Realms that peers are asked for at once.
const MAX_AT_ONCE: usize = 8;

/// Whom to ask.
#[derive(Clone, Copy, Debug)]
pub struct RecoverySettings {
    /// Proxies replay what they hold.
    pub sync: bool,
    /// Other registrars tell what they have.
    pub peers: bool,
    /// A zone counts as warm after this long, whoever has not answered.
    pub limit: Duration,
}

/// Notes when the last word of a replay came.
#[derive(Default)]
pub(crate) struct Replay(Notify, AtomicU64);

impl Replay {
    /// How many words of replays there were since the start.
    pub(crate) fn words(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    pub(crate) fn heard(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.notify_waiters();
    }

    /// Returns when nothing has come for a while.
    pub(crate) async fn quiet(&self) {
        while tokio::time::timeout(QUIET, self.0.notified()).await.is_ok() {}
    }
}

impl Registrar {
    /// Warms up each zone that comes up, for as long as the registrar is there.
    pub async fn recover(self: &Arc<Self>, settings: RecoverySettings) {
        let mut asked: HashMap<Zone, Instant> = HashMap::new();
        loop {
            let (zone, epoch) = self.health.next_cold().await;
            // Marked at once, or it would be found cold again.
            self.waits(&zone, epoch, "the link to be steady");
            let now = Instant::now();
            let not_before = match asked.get(&zone) {
                // Another link's turn has not come yet: this one takes it.
                Some(next) if *next > now => *next,
                Some(last) => now.max(*last + APART),
                None => now,
            };
            asked.insert(zone.clone(), not_before);
            let registrar = Arc::clone(self);
            tokio::spawn(async move {
                sleep_until(not_before).await;
                registrar.warm_up(zone, epoch, settings).await;
            });
        }
    }

    fn waits(&self, zone: &Zone, epoch: u64, waits_for: &'static str) -> bool {
        let warming = Warmth::Warming { waits_for };
        self.health.warmth(zone, epoch, warming)
    }

    async fn warm_up(&self, zone: Zone, epoch: u64, settings: RecoverySettings) {
        if !self.waits(&zone, epoch, "others to be asked") {
            // It has gone again; its next link is another's business.
            return;
        }
        tracing::info!(%zone, "asking what was missed");
        let begun = Instant::now();
        let deadline = begun + settings.limit;
        if settings.peers {
            self.waits(&zone, epoch, "other registrars to answer");
            let asked = timeout_at(deadline, self.ask_peers(&zone)).await;
            if asked.is_err() {
                tracing::warn!(%zone, "other registrars did not tell all in time");
            }
        }
        if settings.sync {
            self.waits(&zone, epoch, "the proxies' replay to end");
            self.ask_proxies(&zone).await;
            let quiet = timeout_at(
                deadline.max(Instant::now() + QUIET * 2),
                self.replay.quiet(),
            )
            .await;
            if quiet.is_err() {
                tracing::warn!(%zone, "the proxies' replay went on for too long to wait for its end");
            }
        }
        if self.health.warmth(&zone, epoch, Warmth::Warm) {
            self.weigh();
            tracing::info!(%zone, elapsed_ms = begun.elapsed().as_millis(), registrations = self.table.held(), "warm");
        }
        self.gap.notify_one();
    }

    /// Has the proxies replay what they hold. Whether the broker took the word.
    pub(crate) async fn ask_proxies(&self, zone: &Zone) -> bool {
        let sync = Publication {
            zone: Some(zone.clone()),
            exchange: REGISTRAR_EXCHANGE,
            routing_key: SYNC_KEY.to_owned(),
            body: encode_sync(self.questions.identity()),
            mandatory: false,
        };
        self.bus.publish(&sync).await.missing.is_empty()
    }

    /// Merges what other registrars have. Returns how many there are.
    pub(crate) async fn ask_peers(&self, zone: &Zone) -> usize {
        let counted = PeerQuestion {
            count_only: true,
            ..PeerQuestion::default()
        };
        let patience = Patience {
            limit: COUNTING,
            grace: COUNTING,
            idle: COUNTING,
        };
        let mut most = 0;
        let nobody = HashSet::new();
        let peers = self.ask(zone, &counted, &nobody, patience, |_, content| {
            if let Content::Registrations {
                count: Some(count), ..
            } = content
            {
                most = most.max(count);
            }
        });
        let peers = peers.await;
        if most == 0 {
            return peers.len();
        }
        tracing::info!(%zone, peers = peers.len(), registrations = most, "other registrars have registrations");
        if most <= MAX_IN_ONE {
            self.ask_peers_for(zone, None, &peers).await;
            return peers.len();
        }
        let realms = self.peers_realms(zone, &peers).await;
        stream::iter(realms)
            .for_each_concurrent(MAX_AT_ONCE, |realm| {
                let peers = &peers;
                async move { self.ask_peers_for(zone, Some(realm), peers).await }
            })
            .await;
        peers.len()
    }

    async fn peers_realms(&self, zone: &Zone, peers: &HashSet<Text>) -> HashSet<Text> {
        let question = PeerQuestion {
            fields: vec!["Realm"],
            ..PeerQuestion::default()
        };
        let mut all = HashSet::new();
        let asked = self.ask(zone, &question, peers, FETCHING, |_, content| {
            if let Content::Registrations { realms, .. } = content {
                all.extend(realms.into_iter().map(Text::from));
            }
        });
        asked.await;
        all
    }

    async fn ask_peers_for(&self, zone: &Zone, realm: Option<Text>, peers: &HashSet<Text>) {
        let question = PeerQuestion {
            realm,
            ..PeerQuestion::default()
        };
        let asked = self.ask(zone, &question, peers, FETCHING, |zone, content| {
            if let Content::Registrations {
                records,
                unreadable,
                ..
            } = content
            {
                let merged = self.merge(zone, &records);
                self.stats.add(MERGED, merged);
                tracing::debug!(%zone, merged, unreadable, "merged what another registrar has");
            }
        });
        asked.await;
    }

    /// Puts a question to the other registrars of a zone. Returns who has answered.
    async fn ask(
        &self,
        zone: &Zone,
        what: &PeerQuestion,
        expected: &HashSet<Text>,
        patience: Patience,
        mut take: impl FnMut(&Zone, Content),
    ) -> HashSet<Text> {
        let mut question = self.questions.open();
        let publication = Publication {
            zone: Some(zone.clone()),
            exchange: REGISTRAR_EXCHANGE,
            routing_key: query_key(what.realm.as_deref()),
            body: encode_query(what, question.msg_id(), self.questions.identity()),
            mandatory: false,
        };
        question.put(&publication).await;
        question
            .collect(expected, patience, |answered| {
                take(&answered.zone, answered.content);
            })
            .await
    }

    /// Takes in records of what others have stored; those that are newer than what is known stay.
    /// Returns how many those were.
    pub(crate) fn merge(&self, zone: &Zone, records: &[Report]) -> u64 {
        let now = self.clock.now().seconds();
        let default_realm = &self.settings.policy.default_realm;
        let mut merged = 0;
        for record in records {
            let registration = Registration::from_record(record, zone, default_realm, now);
            let applied = self.table.merge(&registration);
            if let Some(change) = Change::of(&applied) {
                merged += 1;
                self.watchers.tell_with(|| Some(change));
            }
        }
        merged
    }
}

const FETCHING: Patience = Patience {
    limit: Duration::from_secs(15),
    grace: Duration::from_millis(0),
    idle: Duration::from_secs(2),
};

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
