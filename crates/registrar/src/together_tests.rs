//! Several registrars on a bus in memory, that divide accounts among them.

use std::sync::{Mutex, Weak};

use kapi::{Identity, MEMBERS_KEY, TARGETED_EXCHANGE};
use registration::{Clock as _, ManualClock, UnixMillis};
use serde_json::{Value, json};

use super::*;
use crate::{
    Accounts, Bus, BusFuture, Delivery, FlushError, LinkState, Outcome, Receipt, Settings,
    fakes::{ACCOUNT, T0},
    health::Warmth,
};

const REALMS: [&str; 4] = [
    "a.example.com",
    "b.example.com",
    "c.example.com",
    "d.example.com",
];

/// Brings what is sent to all who are connected, at once.
#[derive(Default)]
struct Wire(Mutex<Vec<(bool, Weak<Registrar>)>>);

impl Wire {
    fn connected(&self) -> Vec<Arc<Registrar>> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|(up, _)| *up)
            .filter_map(|(_, one)| one.upgrade())
            .collect()
    }

    fn bring(&self, publication: &Publication) {
        let zone = Zone::new("local");
        for one in self.connected() {
            let targeted = publication.exchange == TARGETED_EXCHANGE;
            let key = publication.routing_key.as_str();
            if targeted && key != MEMBERS_KEY && key != one.server_id() {
                continue;
            }
            let delivery = Delivery {
                targeted,
                ..Delivery::new(&zone, &publication.body)
            };
            if let Outcome::Asked(query) = one.deliver(delivery)
                && !(one.asks_for(&query))
            {
                self.bring(&one.answer(&query).unwrap());
            }
        }
    }
}

struct Line(Arc<Wire>);

impl Bus for Line {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        Box::pin(async move {
            self.0.bring(publication);
            Receipt {
                confirmed: vec![Zone::new("local")],
                missing: vec![],
            }
        })
    }
}

struct Cluster {
    wire: Arc<Wire>,
    members: Vec<Arc<Registrar>>,
    clock: Arc<ManualClock>,
}

impl Cluster {
    fn new(count: usize, replicas: usize) -> Self {
        let wire = Arc::new(Wire::default());
        let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
        let names: Vec<String> = (0..count)
            .map(|number| format!("rollcall@{number}"))
            .collect();
        let timeout = std::time::Duration::from_millis(100);
        let node = |name: &String| {
            let division = Division::new(name, &names, replicas, timeout).unwrap();
            let registrar = Arc::new(Registrar::new(
                Settings {
                    division: Some(Arc::new(division)),
                    ..Settings::new(Identity::new(name).unwrap())
                },
                Accounts::new([].into()),
                Arc::new(Line(Arc::clone(&wire))),
                Arc::<ManualClock>::clone(&clock),
            ));
            wire.0
                .lock()
                .unwrap()
                .push((true, Arc::downgrade(&registrar)));
            registrar
        };
        let members: Vec<_> = names.iter().map(node).collect();
        for member in &members {
            warm(member);
        }
        Self {
            wire,
            members,
            clock,
        }
    }

    fn connect(&self, node: usize, up: bool) {
        self.wire.0.lock().unwrap()[node].0 = up;
    }

    /// An event as all hear it. Returns how many have stored it.
    fn tell(&self, username: &str, realm: &str, more: &Value) -> usize {
        let mut event = json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Username": username, "Realm": realm,
            "Contact": format!("<sip:{username}@192.0.2.1>"), "Expires": 600, "Node": "kamailio@a",
            "Event-Timestamp": self.clock.now().seconds().0, "First-Registration": true,
            "Account-ID": ACCOUNT, "Authorizing-ID": "d", "Account-Realm": REALMS[0],
        });
        let headers = event.as_object_mut().unwrap();
        headers.extend(more.as_object().unwrap().clone());
        let (body, zone) = (event.to_string(), Zone::new("local"));
        let connected = self.wire.connected();
        let outcomes = connected
            .iter()
            .map(|node| node.deliver(Delivery::new(&zone, body.as_bytes())));
        outcomes
            .filter(|outcome| *outcome != Outcome::Elsewhere)
            .count()
    }

    /// Five phones in each realm, and one elsewhere, that is of the account by its realm alone.
    fn fill(&self, copies: usize) {
        for realm in REALMS {
            for number in 0..5 {
                assert_eq!(self.tell(&format!("u{number}"), realm, &json!({})), copies);
            }
        }
        let no_account = json!({"Account-ID": ""});
        assert_eq!(self.tell("stranger", "e.example.com", &no_account), copies);
    }
}

fn warm(node: &Registrar) {
    let zone = Zone::new("local");
    node.link(&zone, LinkState::Consuming);
    for epoch in 0..9 {
        node.health.warmth(&zone, epoch, Warmth::Warm);
    }
    assert!(node.health.is_ready());
}

fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

fn names(found: &[Held]) -> Vec<String> {
    let mut names: Vec<_> = found.iter().map(|one| one.aor().to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn any_node_answers_for_all() {
    for (count, replicas) in [(1, 1), (3, 1), (3, 2), (5, 3)] {
        let cluster = Cluster::new(count, replicas);
        cluster.fill(replicas);
        for node in &cluster.members {
            let scope = node.find_scope(&account(), None).await.unwrap().unwrap();
            assert_eq!(scope.realms, [Text::from(REALMS[0])]);
            let found = node.find(Some(&scope)).await.unwrap();
            assert_eq!(found.len(), 21, "{count} nodes, {replicas} replicas");
            assert_eq!(
                names(&found)
                    .iter()
                    .filter(|name| name.contains("stranger"))
                    .count(),
                1
            );
            assert_eq!(node.find_count(Some(&scope)).await.unwrap(), 21);
            assert_eq!(node.find_count(None).await.unwrap(), 21);
            assert_eq!(node.find(None).await.unwrap().len(), 21);
            let unknown = AccountId::parse(&"0".repeat(32)).unwrap();
            assert_eq!(node.find_scope(&unknown, None).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn what_a_node_answers_is_to_the_letter_what_another_has() {
    let cluster = Cluster::new(3, 1);
    cluster.fill(1);
    let mut lists = Vec::new();
    for node in &cluster.members {
        let found = node.find(None).await.unwrap();
        lists.push(found.iter().map(Held::registration).collect::<Vec<_>>());
    }
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0], lists[2]);
}

#[tokio::test]
async fn a_page_is_the_same_wherever_it_is_cut() {
    let cluster = Cluster::new(3, 2);
    cluster.fill(2);
    let node = &cluster.members[0];
    let all = names(&node.find(None).await.unwrap());
    let mut from = None;
    let mut paged = Vec::new();
    loop {
        let mut page = node.find_page(None, from, 4).await.unwrap();
        let of = |held: &Held| place(&held.username(), held.realm());
        page.sort_by_key(of);
        page.truncate(4);
        let Some(last) = page.last() else { break };
        from = Some(next_place(&of(last)));
        paged.extend(names(&page));
    }
    paged.sort();
    assert_eq!(paged, all);
}

#[tokio::test]
async fn without_a_node_there_is_no_answer_or_a_whole_one() {
    let cluster = Cluster::new(3, 1);
    cluster.fill(1);
    cluster.connect(2, false);
    let Unanswered::Unreachable { nodes: lacking, .. } =
        cluster.members[0].find(None).await.unwrap_err()
    else {
        panic!()
    };
    assert_eq!(lacking, ["rollcall@2"]);
    cluster.connect(2, true);
    assert_eq!(cluster.members[0].find(None).await.unwrap().len(), 21);

    let cluster = Cluster::new(3, 2);
    cluster.fill(2);
    cluster.connect(2, false);
    assert_eq!(cluster.members[0].find(None).await.unwrap().len(), 21);
    assert_eq!(cluster.members[0].find_count(None).await.unwrap(), 21);
}

#[tokio::test]
async fn one_that_is_not_complete_does_not_count() {
    let cluster = Cluster::new(2, 1);
    cluster.fill(1);
    cluster.members[1].link(&Zone::new("local"), LinkState::Consuming);
    let error = cluster.members[0].find(None).await.unwrap_err();
    assert!(error.to_string().contains("not complete"), "{error}");
    warm(&cluster.members[1]);
    assert!(cluster.members[0].find(None).await.is_ok());
}

#[tokio::test]
async fn a_flush_by_way_of_any_node_is_heard_by_the_owner() {
    for by in 0..3 {
        let cluster = Cluster::new(3, 1);
        cluster.fill(1);
        let node = &cluster.members[by];
        let scope = node.find_scope(&account(), None).await.unwrap().unwrap();
        let flushed = node.flush_username(&scope, "U3", false).await.unwrap();
        // One in each realm, all of them young.
        assert_eq!((flushed.forgotten, flushed.repeated), (4, 4));
        assert_eq!(node.find_count(None).await.unwrap(), 17);
        let error = node.flush_username(&scope, "u3", false).await.unwrap_err();
        assert_eq!(error, FlushError::NotRegistered("u3".into()));
        let flushed = node.flush_account(&scope).await.unwrap();
        assert_eq!(flushed.forgotten, 17);
        for node in &cluster.members {
            assert!(node.is_empty());
        }
    }
}

#[tokio::test]
async fn a_flush_of_what_cannot_be_known_is_refused() {
    let cluster = Cluster::new(3, 1);
    cluster.fill(1);
    let scope = cluster.members[0]
        .find_scope(&account(), None)
        .await
        .unwrap()
        .unwrap();
    cluster.connect(1, false);
    let error = cluster.members[0].flush_account(&scope).await.unwrap_err();
    assert!(matches!(error, FlushError::Unanswered(_)), "{error}");
    cluster.connect(1, true);
    assert_eq!(cluster.members[0].find_count(None).await.unwrap(), 21);
}

#[tokio::test]
async fn of_kazoos_questions_an_owner_answers_for_all() {
    let cluster = Cluster::new(3, 1);
    cluster.fill(1);
    let question = |realm: &str, more: &Value| {
        let mut question = json!({
            "Event-Category": "directory", "Event-Name": "reg_query", "Realm": realm, "Fields": [],
            "Server-ID": "crossbar", "Msg-ID": "m", "Node": "kazoo_apps@a",
        });
        let headers = question.as_object_mut().unwrap();
        headers.extend(more.as_object().unwrap().clone());
        question.to_string()
    };
    let zone = Zone::new("local");
    for (realm, more, says) in [
        (REALMS[0], json!({}), 21),
        (REALMS[1], json!({}), 5),
        ("all", json!({}), 21),
        ("all", json!({"Count-Only": true}), 21),
        (REALMS[1], json!({"Username": "U1"}), 1),
        ("nobody.example.com", json!({}), 0),
    ] {
        let body = question(realm, &more);
        let mut answers = Vec::new();
        for node in &cluster.members {
            if let Outcome::Asked(query) = node.deliver(Delivery::new(&zone, body.as_bytes())) {
                assert!(node.asks_for(&query));
                let answer = node.answer_for_all(&query).await.unwrap();
                assert_eq!(answer.routing_key, "crossbar");
                answers.push(serde_json::from_slice::<Value>(&answer.body).unwrap());
            }
        }
        assert_eq!(answers.len(), 1, "{realm}");
        let count = answers[0]["Count"].as_u64();
        let listed = answers[0]["Fields"].as_array().map_or(0, Vec::len);
        assert_eq!(count.unwrap_or(listed as u64), says, "{realm} {more}");
        assert_eq!(answers[0]["App-Name"], "ecallmgr");
    }
}

#[tokio::test]
async fn a_member_that_comes_learns_its_part_of_the_others() {
    let cluster = Cluster::new(3, 2);
    cluster.connect(1, false);
    for realm in REALMS {
        for number in 0..5 {
            cluster.tell(&format!("u{number}"), realm, &json!({}));
        }
    }
    cluster.connect(1, true);
    let late = &cluster.members[1];
    assert!(late.is_empty());
    late.ask_members(&Zone::new("local")).await;
    let own = |realm: &&&str| late.division().unwrap().owns(realm);
    let owned = REALMS.iter().filter(own).count();
    assert!(owned > 0);
    assert_eq!(late.len(), 5 * owned);
}
