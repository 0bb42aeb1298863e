//! What the proxies' answers do to the table, and what missing answers never do.

use kapi::SearchType;
use serde_json::{Value, json};

use registration::{Aor, Clock as _, Zone};

use super::super::survey::MAX_BY_NAME;
use super::*;
use crate::fakes::{NODE, REALM, T0, World};

fn part(node: &str, registrations: &Value) -> Value {
    json!({
        "Event-Category": "registration", "Event-Name": "search_partial_resp", "Node": node,
        "Registrations": registrations,
    })
}

fn end(node: &str) -> Value {
    json!({
        "Event-Category": "registration", "Event-Name": "search_resp", "Node": node, "Registrations": [],
    })
}

fn binding(username: &str, since: u64, until: u64) -> Value {
    json!({
        "AOR": format!("{username}@{REALM}"), "Contact": format!("sip:{username}@192.0.2.1"),
        "Received": "sip:192.0.2.1:5060", "Path": "<null>", "Expires": until, "Call-ID": "c", "CSeq": "1",
        "Last-Modified": since.to_string(), "User-Agent": "u", "Socket": "udp:192.0.2.100:5060",
    })
}

/// A proxy that holds `users`, and answers as proxies do.
fn proxy(world: &World, users: &'static [&'static str]) {
    world
        .bus
        .answer_with(move |question| answers(question, NODE, users));
}

fn answers(question: &Value, node: &str, users: &[&str]) -> Vec<Value> {
    if question["Event-Name"] != "search_req" {
        return vec![];
    }
    let named = |user: &&&str| {
        question["Username"]
            .as_str()
            .is_none_or(|name| name == **user)
    };
    let users = users.iter().filter(named);
    let mut answers: Vec<_> = if question["Search-Type"] == "detail" {
        let detail = |user| part(node, &json!([binding(user, T0 + 30, T0 + 630)]));
        users.map(|user| detail(user)).collect()
    } else {
        let aors: Vec<_> = users.map(|user| format!("{user}@{REALM}")).collect();
        vec![part(node, &json!(aors))]
    };
    // The last word overtakes the others.
    answers.insert(0, end(node));
    answers
}

/// Three phones that are old enough to be judged.
fn world() -> World {
    let world = World::new(vec![]);
    for user in ["amy", "bob", "cid"] {
        world.register(user);
    }
    world.clock.advance_millis(60_000);
    world
}

fn contradictions(world: &World) -> &Contradictions {
    &world.registrar.reconciler.contradictions
}

async fn round(world: &World, kind: SearchType) -> Round {
    world
        .registrar
        .reconciler
        .reconcile_realm(REALM.into(), kind)
        .await
}

#[tokio::test(start_paused = true)]
async fn what_all_agree_on_stays() {
    for kind in [SearchType::Summary, SearchType::Detail] {
        let world = world();
        proxy(&world, &["amy", "bob", "cid"]);
        let round = round(&world, kind).await;
        assert_eq!((round.ghosts, round.unanswered), (0, 0));
        assert_eq!(world.users(), ["amy", "bob", "cid"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_proxy_lists_goes_after_a_second_look() {
    for kind in [SearchType::Summary, SearchType::Detail] {
        let world = world();
        proxy(&world, &["amy", "cid"]);
        assert_eq!(round(&world, kind).await.ghosts, 1);
        assert_eq!(world.users(), ["amy", "cid"]);
        assert_eq!(world.count("reconcile", "ghost"), 1);
        let asked_by_name = world
            .bus
            .sent()
            .iter()
            .filter(|(_, body)| body["Username"] == "bob")
            .count();
        assert_eq!(asked_by_name, 1);
    }
}

/// A phone that moved and was then lost in silence, while the proxy that it came from still holds
/// what it had there: that is where calls go now.
#[tokio::test(start_paused = true)]
async fn a_ghost_gives_way_to_what_another_proxy_still_holds() {
    for kind in [SearchType::Summary, SearchType::Detail] {
        for phones in [1, MAX_BY_NAME + 4] {
            let world = World::new(vec![]);
            world.clock.advance_millis(60_000);
            let names: Vec<_> = (0..phones)
                .map(|number| format!("user{number:02}"))
                .collect();
            for user in &names {
                world.register(user);
            }
            world.clock.advance_millis(60_000);
            let held = names.clone();
            world.bus.answer_with(move |question| {
                let held: Vec<&str> = held.iter().map(String::as_str).collect();
                let mut all = answers(question, NODE, &[]);
                all.extend(answers(question, "kamailio@b", &held));
                all
            });
            let round = round(&world, kind).await;
            assert_eq!((round.ghosts, round.finds), (phones as u64, phones as u64));
            assert_eq!(world.users(), names);
            for registration in world.all() {
                assert_eq!(registration.registrar_node.as_deref(), Some("kamailio@b"));
                assert_eq!(registration.last_registration.0, T0 + 30);
            }
        }
    }
}

/// A phone that moved while the broker was away: the proxy that it left still lists it.
#[tokio::test(start_paused = true)]
async fn what_two_proxies_list_is_where_it_was_last() {
    let world = world();
    world.bus.answer_with(move |question| {
        let mut all = answers(question, NODE, &["amy", "bob", "cid"]);
        all.extend(answers(question, "kamailio@b", &["bob"]));
        if question["Search-Type"] == "detail" {
            // The one that it left knows it from before.
            all.retain(|answer| answer["Node"] != NODE || answer["Event-Name"] == "search_resp");
        }
        all
    });
    let round = round(&world, SearchType::Summary).await;
    assert_eq!((round.ghosts, round.finds), (0, 1));
    let bob = world
        .registrar
        .cache()
        .get(&Aor::new("bob", REALM))
        .unwrap()
        .registration();
    assert_eq!(bob.registrar_node.as_deref(), Some("kamailio@b"));
    assert_eq!(bob.last_registration.0, T0 + 30);
}

/// A phone whose old contact was unregistered, which the proxy told as a register of it (see
/// `is_echo_of_unregister`), with seconds that fit nothing that was heard.
fn deceived() -> World {
    let world = world();
    world.clock.advance_millis(100_000);
    world.tell(&world.event(
        "bob",
        &json!({"Contact": "<sip:old@192.0.2.9>", "Expires": 77}),
    ));
    let bob = world
        .registrar
        .cache()
        .get(&Aor::new("bob", REALM))
        .unwrap()
        .registration();
    assert_eq!(&*bob.contact, "sip:old@192.0.2.9");
    world
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_its_proxy_does_not_hold_gives_way_to_one_that_it_does() {
    let world = deceived();
    world.clock.advance_millis(15_000);
    proxy(&world, &["amy", "bob", "cid"]);
    let round = round(&world, SearchType::Detail).await;
    // The other two were refreshed since.
    assert_eq!((round.ghosts, round.finds), (0, 3));
    let bob = world
        .registrar
        .cache()
        .get(&Aor::new("bob", REALM))
        .unwrap()
        .registration();
    assert_eq!(&*bob.contact, "sip:bob@192.0.2.1");
    assert_eq!((bob.last_registration.0, bob.expires), (T0 + 30, 780));
    assert_eq!(bob.initial_registration.0, T0);
    assert_eq!(
        bob.account.id.as_ref().unwrap().as_str(),
        crate::fakes::ACCOUNT
    );
    let by_name = world.bus.sent();
    let by_name = by_name.iter().filter(|(_, body)| body["Username"] == "bob");
    assert_eq!(by_name.count(), 1);
}

/// What was heard a moment ago is not in the proxy's database yet.
#[tokio::test(start_paused = true)]
async fn a_young_contact_stands_whatever_its_proxy_holds() {
    let world = deceived();
    world.clock.advance_millis(14_000);
    proxy(&world, &["amy", "bob", "cid"]);
    assert_eq!(round(&world, SearchType::Detail).await.finds, 2);
    let bob = world
        .registrar
        .cache()
        .get(&Aor::new("bob", REALM))
        .unwrap()
        .registration();
    assert_eq!(&*bob.contact, "sip:old@192.0.2.9");
}

/// It need not wait for the next round in detail.
#[tokio::test(start_paused = true)]
async fn a_young_contact_is_looked_at_again_when_it_is_old_enough() {
    for heard_again in [false, true] {
        let world = deceived();
        world.clock.advance_millis(13_000);
        proxy(&world, &["amy", "bob", "cid"]);
        round(&world, SearchType::Detail).await;
        world.clock.advance_millis(1_000);
        assert_eq!(
            contradictions(&world).recheck_pending().await,
            0,
            "too young still"
        );
        if heard_again {
            let again = json!({"Contact": "<sip:old@192.0.2.9>", "Expires": 500});
            world.tell(&world.event("bob", &again));
        }
        world.clock.advance_millis(1_000);
        let finds = u64::from(!heard_again);
        assert_eq!(contradictions(&world).recheck_pending().await, finds);
        let bob = world
            .registrar
            .cache()
            .get(&Aor::new("bob", REALM))
            .unwrap()
            .registration();
        let contact = if heard_again {
            "sip:old@192.0.2.9"
        } else {
            "sip:bob@192.0.2.1"
        };
        assert_eq!(&*bob.contact, contact);
        assert_eq!(
            contradictions(&world).recheck_pending().await,
            0,
            "it is judged once"
        );
        assert!(contradictions(&world).pending().is_empty());
    }
}

/// Or it would be kept, and asked for, for nothing.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_for_by_name_takes_no_place_among_the_young() {
    let world = World::new(vec![]);
    let event = json!({"Contact": "<sip:old@192.0.2.9>", "Expires": 77});
    world.tell(&world.event("o'x", &event));
    world.bus.answer_with(|question| {
        let other = binding("o'x", T0 - 30, T0 + 600);
        match question["Event-Name"].as_str() {
            Some("search_req") => vec![part(NODE, &json!([other])), end(NODE)],
            _ => vec![],
        }
    });
    round(&world, SearchType::Detail).await;
    assert!(contradictions(&world).pending().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_was_heard_again_meanwhile_stands() {
    let world = deceived();
    world.clock.advance_millis(15_000);
    let registrar = Arc::downgrade(&world.registrar);
    let again = json!({"Contact": "<sip:old@192.0.2.9>", "Expires": 500});
    let again = world.event("bob", &again).to_string();
    world.bus.answer_with(move |question| {
        if question["Username"] == "bob" {
            let registrar = registrar.upgrade().unwrap();
            let zone = Zone::new("local");
            registrar.deliver(crate::Delivery::new(&zone, again.as_bytes()));
        }
        answers(question, NODE, &["amy", "bob", "cid"])
    });
    assert_eq!(round(&world, SearchType::Detail).await.finds, 2);
    let bob = world
        .registrar
        .cache()
        .get(&Aor::new("bob", REALM))
        .unwrap()
        .registration();
    assert_eq!(&*bob.contact, "sip:old@192.0.2.9");
}

/// Many contacts may stand of one AOR; that of which the table has heard last is one of them.
#[tokio::test(start_paused = true)]
async fn a_contact_that_its_proxy_holds_beside_another_stands() {
    let world = deceived();
    world.clock.advance_millis(15_000);
    let now = world.clock.now().seconds().0;
    for is_first in [true, false] {
        world.bus.answer_with(move |question| {
            let mut all = answers(question, NODE, &["amy", "bob", "cid"]);
            if question["Search-Type"] == "detail" {
                let mut old = binding("bob", now - 15, now + 62);
                old["Contact"] = json!("sip:old@192.0.2.9");
                let place = if is_first { 0 } else { all.len() };
                all.insert(place, part(NODE, &json!([old])));
            }
            all
        });
        round(&world, SearchType::Detail).await;
        let bob = world
            .registrar
            .cache()
            .get(&Aor::new("bob", REALM))
            .unwrap()
            .registration();
        assert_eq!(&*bob.contact, "sip:old@192.0.2.9");
    }
}

#[tokio::test(start_paused = true)]
async fn many_ghosts_are_looked_for_together() {
    let world = World::new(vec![]);
    for number in 0..50 {
        world.register(&format!("user{number}"));
    }
    world.clock.advance_millis(60_000);
    proxy(&world, &["user7"]);
    assert_eq!(round(&world, SearchType::Summary).await.ghosts, 49);
    assert_eq!(world.users(), ["user7"]);
    assert_eq!(world.bus.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_table_lacks_is_fetched() {
    let world = world();
    proxy(&world, &["amy", "bob", "cid", "dan"]);
    assert_eq!(round(&world, SearchType::Summary).await.finds, 1);
    let dan = world
        .registrar
        .cache()
        .get(&Aor::new("dan", REALM))
        .unwrap()
        .registration();
    assert_eq!((dan.last_registration.0, dan.expires), (T0 + 30, 780));
    assert_eq!(dan.registrar_node.as_deref(), Some(NODE));
    assert_eq!(&*dan.contact, "sip:dan@192.0.2.1");
    assert_eq!(world.count("reconcile", "find"), 1);
}

/// A refresh whose event was lost: the table only has it for the padding.
#[tokio::test(start_paused = true)]
async fn what_has_ended_but_for_the_padding_is_looked_up() {
    let world = World::new(vec![]);
    world.tell(&world.event("amy", &json!({"Expires": 20})));
    world.clock.advance_millis(60_000);
    proxy(&world, &["amy"]);
    assert_eq!(round(&world, SearchType::Summary).await.finds, 1);
    let amy = world
        .registrar
        .cache()
        .get(&Aor::new("amy", REALM))
        .unwrap()
        .registration();
    assert_eq!(amy.last_registration.0, T0 + 30);
    assert_eq!(
        amy.account.id.as_ref().unwrap().as_str(),
        crate::fakes::ACCOUNT
    );
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_does_not_answer_costs_no_phone() {
    let world = world();
    let quiet = round(&world, SearchType::Summary).await;
    assert_eq!((quiet.ghosts, quiet.unanswered), (0, 1));
    // Another answers in its stead.
    world
        .bus
        .answer_with(|question| answers(question, "kamailio@b", &[]));
    let other = round(&world, SearchType::Summary).await;
    assert_eq!((other.ghosts, other.unanswered), (0, 1));
    *world.bus.down.lock().unwrap() = true;
    assert_eq!(round(&world, SearchType::Summary).await.ghosts, 0);
    assert_eq!(world.users(), ["amy", "bob", "cid"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_parts_were_lost_costs_no_phone() {
    let world = world();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    world.bus.answer_with(move |question| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        if first {
            vec![end(NODE)]
        } else {
            answers(question, NODE, &["amy", "bob", "cid"])
        }
    });
    assert_eq!(round(&world, SearchType::Summary).await.ghosts, 0);
    assert_eq!(world.users(), ["amy", "bob", "cid"]);
}

#[tokio::test(start_paused = true)]
async fn the_young_are_not_judged() {
    let world = World::new(vec![]);
    world.register("amy");
    world.clock.advance_millis(14_000);
    proxy(&world, &[]);
    assert_eq!(round(&world, SearchType::Summary).await.ghosts, 0);
    world.clock.advance_millis(1_000);
    assert_eq!(round(&world, SearchType::Summary).await.ghosts, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_heard_meanwhile_stands() {
    let world = world();
    let registrar = Arc::downgrade(&world.registrar);
    let refreshed = world.event("bob", &json!({})).to_string();
    world.bus.answer_with(move |question| {
        if question["Username"] == "bob" {
            let registrar = registrar.upgrade().unwrap();
            registrar.deliver(crate::Delivery::new(
                &Zone::new("local"),
                refreshed.as_bytes(),
            ));
        }
        answers(question, NODE, &["amy", "cid"])
    });
    assert_eq!(round(&world, SearchType::Summary).await.ghosts, 0);
    assert_eq!(world.users(), ["amy", "bob", "cid"]);
}

/// The event of the move was lost.
#[tokio::test(start_paused = true)]
async fn a_phone_that_another_proxy_lists_has_moved() {
    let world = world();
    world.bus.answer_with(|question| {
        let mut all = answers(question, NODE, &["amy", "cid"]);
        all.extend(answers(question, "kamailio@b", &["bob"]));
        all
    });
    let round = round(&world, SearchType::Summary).await;
    assert_eq!((round.ghosts, round.finds), (0, 1));
    let bob = world
        .registrar
        .cache()
        .get(&Aor::new("bob", REALM))
        .unwrap()
        .registration();
    assert_eq!(bob.registrar_node.as_deref(), Some("kamailio@b"));
}

/// A name that would reach the proxies' SQL is never sent, so nothing is known of it.
#[tokio::test(start_paused = true)]
async fn unsafe_names_are_left_alone() {
    let world = World::new(vec![]);
    world.register("o'x");
    world.clock.advance_millis(60_000);
    proxy(&world, &[]);
    assert_eq!(round(&world, SearchType::Summary).await.ghosts, 0);
    assert_eq!(world.users(), ["o'x"]);
    assert_eq!(world.bus.sent().len(), 1);
}

/// Round after round, 100 seconds apart.
fn reconciling(world: &World) -> tokio::task::JoinHandle<()> {
    let settings = ReconcileSettings {
        interval: Duration::from_secs(100),
        rate: 10,
    };
    let registrar = Arc::clone(&world.registrar);
    tokio::spawn(async move { registrar.reconcile(settings).await })
}

/// The kinds of question that were put, in order.
fn kinds(world: &World) -> Vec<String> {
    let sent = world.bus.sent();
    let kinds = sent.iter().map(|(_, body)| &body["Search-Type"]);
    kinds
        .map(|kind| kind.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn rounds_come_at_their_interval_and_at_once_after_a_gap() {
    let world = world();
    proxy(&world, &["amy", "bob", "cid"]);
    let task = reconciling(&world);
    let kinds = || kinds(&world);
    sleep(Duration::from_secs(150)).await;
    assert_eq!(kinds(), ["summary", "summary"]);
    world.registrar.context.gap.notify_one();
    sleep(Duration::from_secs(30)).await;
    assert_eq!(kinds(), ["summary", "summary", "detail", "detail"]);
    assert_eq!(world.registrar.health().last_round().unwrap().realms, 1);
    task.abort();
}

/// Whatever a proxy did while it was cut off from the broker, nobody has heard.
#[tokio::test(start_paused = true)]
async fn a_proxy_that_is_back_is_asked_in_detail() {
    let world = world();
    proxy(&world, &["amy", "bob", "cid"]);
    let task = reconciling(&world);
    let kinds = || kinds(&world);
    sleep(Duration::from_secs(50)).await;
    world.bus.answer_with(|_| vec![]);
    // Away for two rounds: nothing more is asked than usual.
    sleep(Duration::from_secs(200)).await;
    assert_eq!(kinds(), ["summary"; 3]);
    proxy(&world, &["amy", "bob", "cid"]);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(
        kinds(),
        [
            "summary", "summary", "summary", "summary", "detail", "detail"
        ]
    );
    task.abort();
}
