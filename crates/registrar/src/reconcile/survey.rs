//! What the proxies say when they are asked who is registered.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use kapi::{Content, Found, REGISTRAR_EXCHANGE, Search, SearchType, encode_search, search_key};
use registration::{Aor, Report, Text, Zone, check_flushable, same_binding};

use super::MAX_BY_NAME;
use crate::{
    Outcome, Registrar,
    bus::Publication,
    delivery::Delivery,
    outcome::FIND,
    questions::{Answered, Patience},
};

const PATIENCE: Patience = Patience {
    limit: Duration::from_secs(5),
    grace: Duration::from_millis(700),
    idle: Duration::from_millis(1500),
};

/// What the proxies said to one question.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) answered: HashSet<Text>,
    pub(super) listed: HashMap<Aor, Listed>,
    /// How much of it was news.
    pub(super) finds: u64,
    /// Whether it was asked in every zone.
    pub(super) whole: bool,
}

/// An AOR that proxies hold.
pub(super) struct Listed {
    username: Text,
    pub(super) nodes: HashSet<Text>,
    /// Whether the proxy that the table has it from holds the table's contact. Told in detail only.
    pub(super) is_confirmed: bool,
    /// What that proxy holds beside it, or instead of it, and is not newer.
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
}

impl Registrar {
    /// Puts one question to all proxies. Details are taken into the table as they come.
    pub(super) async fn survey(
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
                .or_insert_with(|| Listed::new(Arc::clone(username)));
            entry.nodes.extend(node.cloned());
            if let Found::Binding(report) = found {
                *finds += u64::from(self.take_in(zone, &report));
                self.compare(zone, *report, entry);
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
        self.found(&self.apply(report, Delivery::new(zone, &[]), 0))
    }

    /// Counts what became of a binding that a proxy holds. True if it was news.
    pub(super) fn found(&self, outcome: &Outcome) -> bool {
        self.stats.count(outcome);
        let is_news = matches!(outcome, Outcome::Stored(_));
        self.stats.add(FIND, u64::from(is_news));
        is_news
    }

    /// Notes what a binding says of the one that the table has from the same proxy.
    fn compare(&self, zone: &Zone, report: Report, listed: &mut Listed) {
        let Some(held) = self.table.get(&Aor::new(&report.username, &report.realm)) else {
            return;
        };
        if same_binding(&held, &report) {
            listed.is_confirmed = true;
        } else if held.registrar_node == report.registrar_node {
            listed.others.push((zone.clone(), report));
        }
    }

    /// Asks in detail for what the table lacks, or has from elsewhere, or as ended but for the
    /// padding; and for what two proxies list, since only details tell where the phone is. Returns
    /// how many were news.
    pub(super) async fn fetch(&self, realm: &Text, survey: &Survey) -> u64 {
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
}
