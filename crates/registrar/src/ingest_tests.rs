//! What is not judged anew comes to the same as what is.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Change, ChangeKind, ChangeListener, Delivery, EntryRef, Outcome,
    fakes::{ACCOUNT, World},
};

/// A header that nobody reads and that is never the same keeps a message from being taken for one
/// that says the same again.
fn never_the_same(event: &Value, number: usize) -> Value {
    let mut event = event.clone();
    event["X-Number"] = number.into();
    event
}

fn deliver(world: &World, event: &Value, redelivered: bool) -> Outcome {
    let body = event.to_string();
    let zone = registration::Zone::new("local");
    world.registrar.deliver(Delivery {
        redelivered,
        ..Delivery::new(&zone, body.as_bytes())
    })
}

#[derive(Clone, Debug)]
struct Step {
    user: usize,
    what: usize,
    first: usize,
    back: u64,
    after_millis: u64,
    redelivered: bool,
    /// Something in it has the name of another.
    misleads: bool,
}

fn step() -> impl Strategy<Value = Step> {
    // Most are refreshes by the same phone, some time after another.
    let what = prop_oneof![6 => Just(0_usize), 1 => 1_usize..6];
    let after = prop_oneof![3 => 1_000_u64..90_000, 1 => 0_u64..1_500, 1 => 200_000_u64..900_000];
    let back = prop_oneof![6 => Just(0_u64), 1 => 1_u64..4];
    (
        0_usize..2,
        what,
        0_usize..3,
        back,
        after,
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(user, what, first, back, after_millis, redelivered, misleads)| Step {
                user,
                what,
                first,
                back,
                after_millis,
                redelivered,
                misleads,
            },
        )
}

fn event(world: &World, step: &Step) -> Value {
    let user = format!("user{}", step.user);
    let mut more = json!({"Authorizing-ID": "device", "User-Agent": "phone"});
    match step.what {
        1 => more["Expires"] = 0.into(),
        2 => more["Contact"] = "<sip:moved@192.0.2.7>".into(),
        3 => more["Expires"] = 60.into(),
        4 => more["Node"] = "kamailio@b".into(),
        5 => more["Call-ID"] = "another".into(),
        _ => {}
    }
    let mut event = world.event(&user, &more);
    match step.first {
        0 => event["First-Registration"] = (step.what != 0).into(),
        1 => event["First-Registration"] = false.into(),
        _ => drop(event.as_object_mut().unwrap().remove("First-Registration")),
    }
    let time = event["Event-Timestamp"].as_u64().unwrap();
    event["Event-Timestamp"] = (time - step.back).into();
    if step.misleads {
        event["A"] = json!({"Username": format!("user{}", 1 - step.user)});
    }
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_short_way_leads_where_the_long_one_does(steps in prop::collection::vec(step(), 1..40)) {
        let (short, long) = (World::new(vec![]), World::new(vec![]));
        for (number, step) in steps.iter().enumerate() {
            for world in [&short, &long] {
                world.clock.advance_millis(step.after_millis);
            }
            let event = event(&short, step);
            let outcome = deliver(&short, &event, step.redelivered);
            let judged = deliver(&long, &never_the_same(&event, number), step.redelivered);
            prop_assert_eq!(outcome, judged);
            let mut tables = [&short, &long].map(World::all);
            for table in &mut tables {
                table.sort_by_key(|registration| registration.username.clone());
            }
            let [ours, theirs] = tables;
            prop_assert_eq!(ours, theirs);
        }
    }
}

fn refresh(world: &World) -> Outcome {
    world.clock.advance_millis(60_000);
    let more = json!({"Authorizing-ID": "device", "First-Registration": false});
    deliver(world, &world.event("amy", &more), false)
}

#[test]
fn followers_hear_of_it_if_they_want_to() {
    let told = Arc::<Mutex<Vec<Change>>>::default();
    let (all, some) = (Arc::clone(&told), Arc::clone(&told));
    let world = World::new(vec![
        ChangeListener::with_refreshes(
            move |change| all.lock().unwrap().push(change.clone()),
            || true,
        ),
        ChangeListener::new(move |change| some.lock().unwrap().push(change.clone())),
    ]);
    for _ in 0..4 {
        refresh(&world);
    }
    // The second, that settles it, goes to both; the last two to who wants them.
    let told = told.lock().unwrap();
    assert_eq!(
        told.iter()
            .filter(|change| change.kind == ChangeKind::Refreshed)
            .count(),
        4
    );
    let last = told.last().unwrap();
    let times =
        [&last.before, &last.after].map(|side| side.as_ref().unwrap().last_registration().0);
    assert_eq!(times[1] - times[0], 60);
    let after = last.after.as_ref().map(EntryRef::registration);
    assert_eq!(after, Some((*world.all()[0]).clone()));
}

/// What is found out only while the phone's place is held already.
#[test]
fn what_takes_reading_only_behind_the_names_is_read() {
    let world = World::new(vec![]);
    let zone = registration::Zone::new("local");
    for behind in [r#""Server-ID": "\u0061""#, r#""X": {"Event-Timestamp": 1}"#] {
        for _ in 0..3 {
            world.clock.advance_millis(60_000);
            let event = world.event("amy", &json!({"Authorizing-ID": "device"}));
            let body = event.to_string();
            let body = format!("{}, {behind}}}", body.strip_suffix('}').unwrap());
            let outcome = (world.registrar).deliver(Delivery::new(&zone, body.as_bytes()));
            assert!(
                matches!(outcome, Outcome::Stored(_)),
                "{outcome:?} of {body}"
            );
        }
    }
    assert_eq!(world.all().len(), 1);
}

/// The padding counts for us, not at the proxy: what the short way leaves behind is judged by it.
#[test]
fn an_unregister_after_it_ends_the_registration() {
    let world = World::new(vec![]);
    for _ in 0..4 {
        refresh(&world);
    }
    world.clock.advance_millis(1_000);
    let more = json!({"Authorizing-ID": "device", "First-Registration": false, "Expires": 0});
    deliver(&world, &world.event("amy", &more), false);
    assert!(world.users().is_empty());
    let account = registration::AccountId::parse(ACCOUNT).unwrap();
    let scope = world.registrar.scope(&account, None).unwrap();
    assert_eq!(world.registrar.count(&scope), 0);
}

#[test]
fn it_lives_on_from_the_last_time() {
    let world = World::new(vec![]);
    for _ in 0..20 {
        refresh(&world);
    }
    assert_eq!(world.users(), ["amy"]);
    world.clock.advance_millis(779_000);
    world.registrar.cache().sweep();
    assert_eq!(world.users(), ["amy"]);
    world.clock.advance_millis(1_000);
    assert!(world.users().is_empty());
}
