//! Several threads at once: cache, index and the listeners' picture stay alike.

use std::collections::HashMap;

use super::*;

/// What a follower has from the changes that it was told of, in their order.
fn picture(told: &[Change]) -> HashMap<Aor, EntryRef> {
    let mut picture: HashMap<Aor, EntryRef> = HashMap::new();
    for (number, change) in (1..).zip(told) {
        assert_eq!(change.number, number, "in the order of their numbers");
        let of = change.before.as_ref().or(change.after.as_ref()).unwrap();
        let known = picture.remove(&of.aor());
        let same = |known: &EntryRef, before: &EntryRef| known.view() == before.view();
        match (&known, &change.before) {
            (None, None) => {}
            (Some(known), Some(before)) if same(known, before) => {}
            other => panic!("{:?} follows on {other:?}", change.kind),
        }
        if let Some(after) = &change.after {
            picture.insert(after.aor(), after.clone());
        }
    }
    picture
}

fn assert_alike(world: &World) {
    let all = world.cache.all();
    let indexed: Vec<_> = (0..ACCOUNTS.len())
        .flat_map(|number| world.cache.find(Some(&account(number)), &[] as &[&str]))
        .collect();
    assert_eq!(aors(&indexed), aors(&all));
    assert_eq!(world.cache.held(), all.len());
    assert!(all.iter().all(|one| {
        let found = world.cache.get(&one.aor());
        found.is_some_and(|found| Arc::ptr_eq(found.entry(), one.entry()))
    }));
    let picture = picture(&world.told.lock().unwrap());
    let mut followed: Vec<_> = picture.into_keys().collect();
    followed.sort();
    assert_eq!(followed, aors(&all));
}

#[test]
fn threads_leave_cache_index_and_followers_alike() {
    let world = World::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for round in 0..500 {
                    let user = format!("u{}", (round * 7 + thread) % 10);
                    match (round + thread) % 4 {
                        0 => drop(world.flush(&user, "main.example.com")),
                        1 => drop(world.register(&user, "main.example.com", 0, 0)),
                        n => drop(world.register(&user, "main.example.com", n % 2, 60)),
                    }
                }
            });
        }
    });
    assert_alike(&world);
}

#[test]
fn a_flush_and_registrations_that_race_are_told_in_their_order() {
    let world = World::new();
    let users: Vec<_> = (0..2_000).map(|user| format!("u{user}")).collect();
    for user in &users {
        world.register(user, "main.example.com", 0, 3600);
    }
    world.clock.advance_millis(1000);
    for _ in 0..5 {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for one in world.cache.find(None, &["main.example.com"]) {
                    world
                        .cache
                        .take_out(&one.aor(), ChangeKind::Flushed, |_| true);
                }
            });
            scope.spawn(|| {
                for user in &users {
                    world.clock.advance_millis(1);
                    world.register(user, "main.example.com", 0, 3600);
                }
            });
        });
        assert_alike(&world);
    }
}
