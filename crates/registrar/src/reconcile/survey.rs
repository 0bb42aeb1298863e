//! What the proxies say when they are asked who is registered.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use kapi::{Content, Found, REGISTRAR_EXCHANGE, Search, SearchType, encode_search, search_key};
use registration::{Aor, Report, Text, Zone, check_flushable, same_binding};

use crate::{
    bus::{Answer, Timeouts},
    cache::EntryRef,
    context::Context,
    metrics::FIND,
    outcome::Outcome,
};

/// The most AORs that are asked for by name; more are asked for by realm.
pub(super) const MAX_BY_NAME: usize = 8;

const TIMEOUTS: Timeouts = Timeouts {
    limit: Duration::from_secs(5),
    grace: Duration::from_millis(700),
    idle: Duration::from_millis(1500),
};

/// What the proxies said to one question.
#[derive(Default)]
pub(super) struct Survey {
    /// The nodes that have answered completely.
    pub(super) answered: HashSet<Text>,
    /// The AORs that they hold.
    pub(super) listed: HashMap<Aor, Listed>,
    /// How many of the bindings were news.
    pub(super) finds: u64,
    /// Whether no answer was dropped.
    pub(super) whole: bool,
}

/// An AOR that proxies hold.
pub(super) struct Listed {
    username: Text,
    /// The proxies that hold it.
    pub(super) nodes: HashSet<Text>,
    /// Whether the registration's own proxy holds the table's contact. Known from details only.
    pub(super) is_confirmed: bool,
    /// Other contacts that the registration's own proxy holds, and that are not newer.
    pub(super) others: Vec<(Zone, Report)>,
}

impl Listed {
    fn new(username: Text) -> Self {
        Self {
            username,
            nodes: HashSet::new(),
            is_confirmed: false,
            others: vec![],
        }
    }

    /// Notes what a binding says of the registration that the table has from the same proxy.
    fn compare(&mut self, context: &Context, zone: &Zone, report: Report) {
        let Some(held) = context
            .cache
            .get(&Aor::new(&report.username, &report.realm))
        else {
            return;
        };
        if same_binding(&held.view(), &report) {
            self.is_confirmed = true;
        } else if held.node() == report.registrar_node.as_ref() {
            self.others.push((zone.clone(), report));
        }
    }
}

impl Survey {
    /// Puts one question to all proxies. Takes details into the table as they come.
    pub(super) async fn of(
        context: &Context,
        realm: &Text,
        username: Option<&Text>,
        kind: SearchType,
        expected: &HashSet<Text>,
    ) -> Self {
        let mut question = context.questions.open();
        let search = Search {
            kind,
            realm: Arc::clone(realm),
            username: username.cloned(),
        };
        let body = encode_search(&search, question.msg_id(), &context.settings.identity);
        let key = search_key(realm);
        context.publish(None, REGISTRAR_EXCHANGE, key, body).await;
        let mut survey = Self::default();
        let take = |answer: Answer| {
            if let Content::Found(found) = answer.content {
                for found in found {
                    survey.take(context, &answer.zone, answer.node.as_ref(), found);
                }
            }
        };
        let answered = question.collect(expected, TIMEOUTS, take).await;
        survey.answered = answered;
        survey.whole = question.is_whole();
        survey
    }

    fn take(&mut self, context: &Context, zone: &Zone, node: Option<&Text>, found: Found) {
        let (username, realm) = match &found {
            Found::Aor { username, realm } => (username, realm),
            Found::Binding(report) => (&report.username, &report.realm),
        };
        let listed = self
            .listed
            .entry(Aor::new(username, realm))
            .or_insert_with(|| Listed::new(Arc::clone(username)));
        listed.nodes.extend(node.cloned());
        if let Found::Binding(report) = found {
            let outcome = context.apply(&report, context.heard(zone, false, 0));
            self.finds += u64::from(count(context, &outcome));
            listed.compare(context, zone, *report);
        }
    }

    /// Asks in detail for AORs that the table lacks, or has from another proxy, or as ended but for
    /// the padding; and for those that two proxies list, since only details tell which has the phone.
    /// Returns how many were news.
    pub(super) async fn fetch_missing(&self, context: &Context, realm: &Text) -> u64 {
        let now = context.clock.now().seconds();
        let padding = context.settings.policy.expires_deviation;
        let is_known = |aor: &Aor, listed: &Listed| {
            context.cache.get(aor).is_some_and(|held| {
                let here = held.node();
                held.view().is_bound_at(now, padding)
                    && here.is_none_or(|node| listed.nodes.iter().all(|there| there == node))
            })
        };
        let missing = self.listed.iter();
        let missing = missing.filter(|(aor, listed)| !is_known(aor, listed));
        let missing: Vec<&Listed> = missing.map(|(_, listed)| listed).collect();
        if missing.len() > MAX_BY_NAME {
            let nodes = missing.iter().flat_map(|listed| &listed.nodes);
            let nodes = nodes.cloned().collect();
            let details = Self::of(context, realm, None, SearchType::Detail, &nodes);
            return details.await.finds;
        }
        let mut finds = 0;
        for listed in missing {
            if check_flushable(&listed.username).is_ok() {
                let (name, nodes) = (Some(&listed.username), &listed.nodes);
                let details = Self::of(context, realm, name, SearchType::Detail, nodes);
                finds += details.await.finds;
            }
        }
        finds
    }
}

/// Counts what became of a binding that a proxy holds. True if it was news.
pub(super) fn count(context: &Context, outcome: &Outcome) -> bool {
    context.metrics.count(outcome);
    let is_news = matches!(outcome, Outcome::Stored(_));
    context.metrics.add(FIND, u64::from(is_news));
    is_news
}

/// The proxies that registrations were heard from.
pub(super) fn nodes(held: &[EntryRef]) -> HashSet<Text> {
    held.iter()
        .filter_map(|held| held.node().cloned())
        .collect()
}
