//! Look-ups by account and realm, capacity, and what the index forgets.

use registration::{Ignored, Stored, Text};

use super::*;

#[test]
fn found_by_account_and_by_either_realm_in_any_case() {
    let world = World::new();
    world.register("Bob", "Device.Example.com", 0, 60);
    assert_eq!(world.users(0), ["bob@device.example.com"]);
    for realm in [
        "device.example.com",
        "DEVICE.example.COM",
        "main.example.com",
        "Main.Example.Com",
    ] {
        assert_eq!(world.cache.find(None, &[realm]).len(), 1, "{realm}");
    }
    assert_eq!(world.cache.find(None, &["other.example.com"]).len(), 0);
    let found = world.cache.get(&Aor::new("bob", "device.example.com"));
    assert_eq!(found.unwrap().username(), "Bob");
}

#[test]
fn shown_once_though_several_keys_find_it() {
    let world = World::new();
    world.register("bob", "main.example.com", 0, 60);
    let realms = ["main.example.com", "MAIN.example.com"];
    assert_eq!(world.cache.find(Some(&account(0)), &realms).len(), 1);
}

#[test]
fn gone_at_its_last_millisecond_and_out_of_the_index_when_unregistered() {
    let world = World::new();
    world.register("bob", "main.example.com", 0, 60);
    world.clock.advance_millis(59_999);
    assert_eq!(world.users(0).len(), 1);
    world.clock.advance_millis(1);
    assert_eq!(world.users(0).len(), 0);
    assert_eq!(world.cache.count(Some(&account(0)), &[] as &[&str]), 0);

    world.register("bob", "main.example.com", 0, 60);
    let ended = world.register("bob", "main.example.com", 0, 0);
    assert!(matches!(ended, Decision::Remove(_)));
    assert_eq!(world.users(0).len(), 0);
    assert_eq!(world.cache.held(), 0);
}

#[test]
fn an_expired_registration_is_not_a_predecessor_and_its_end_is_told_first() {
    let world = World::new();
    world.register("bob", "main.example.com", 0, 60);
    world.clock.advance_millis(61_000);
    let stored = world.register("bob", "main.example.com", 1, 60);
    let Decision::Store(registration, Stored::Registered) = stored else {
        panic!("a new registration");
    };
    assert_eq!(registration.previous_contact, None);
    assert_eq!((world.users(0).len(), world.users(1).len()), (0, 1));
    assert_eq!(
        world.told(),
        [
            ChangeKind::Registered,
            ChangeKind::Expired,
            ChangeKind::Registered
        ]
    );
    assert_eq!(world.cache.held(), 1);
}

#[test]
fn a_phone_that_changes_account_leaves_the_old_one() {
    let world = World::new();
    world.register("bob", "main.example.com", 0, 60);
    world.register("bob", "main.example.com", 1, 60);
    assert_eq!((world.users(0).len(), world.users(1).len()), (0, 1));
}

#[test]
fn an_account_has_the_realm_of_its_newest_phones_and_keeps_it_when_they_leave() {
    let world = World::new();
    let said = |user: &str, realm: &str, expires| {
        let mut report = world.report(user, "device.example.com", 0, expires);
        report.account.realm = Some(realm.into());
        world.apply(&report);
        world.cache.realm_of(&account(0))
    };
    let is = |realm: &str| Some(Text::from(realm));
    assert_eq!(world.cache.realm_of(&account(0)), None);
    assert_eq!(said("amy", "Old.example.com", 60), is("old.example.com"));
    assert_eq!(said("bob", "new.example.com", 60), is("new.example.com"));
    assert_eq!(said("amy", "old.example.com", 60), is("new.example.com"));
    assert_eq!(said("bob", "new.example.com", 0), is("old.example.com"));
    assert_eq!(said("amy", "old.example.com", 0), is("old.example.com"));
    assert_eq!(said("bob", "new.example.com", 60), is("new.example.com"));
    assert_eq!(said("bob", "new.example.com", 0), is("new.example.com"));
    assert_eq!(world.cache.held(), 0);
    assert_eq!(world.cache.realms(), ["new.example.com".into()]);
    assert_eq!(
        said("eve", "third.example.com", 60),
        is("third.example.com")
    );
}

fn with_room_for(registrations: usize, of_account: usize) -> World {
    World::with_capacity(Capacity {
        registrations,
        of_account,
    })
}

#[test]
fn a_full_cache_keeps_those_it_has() {
    let world = with_room_for(2, 100);
    let registers = |user: &str, expires| world.register(user, "a.example.com", 0, expires);
    registers("amy", 600);
    registers("bob", 60);
    assert_eq!(registers("eve", 600), Decision::Ignore(Ignored::CacheFull));
    let refreshed = registers("amy", 600);
    assert!(matches!(refreshed, Decision::Store(_, Stored::Refreshed)));
    assert_eq!((world.users(0).len(), world.cache.held()), (2, 2));
    registers("amy", 0);
    assert!(matches!(registers("eve", 600), Decision::Store(..)));
}

#[test]
fn one_account_cannot_take_the_place_of_others() {
    let world = with_room_for(100, 2);
    for user in ["amy", "bob"] {
        world.register(user, "a.example.com", 0, 600);
    }
    let refused = Decision::Ignore(Ignored::AccountFull);
    assert_eq!(world.register("eve", "b.example.com", 0, 600), refused);
    let other = world.register("eve", "a.example.com", 1, 600);
    assert!(matches!(other, Decision::Store(..)), "another account");
    // Without an account the realm counts.
    let mut unknown = world.report("zed", "a.example.com", 0, 600);
    unknown.account.id = None;
    assert_eq!(world.apply(&unknown), refused);
}

#[test]
fn no_more_are_restored_than_there_is_room_for() {
    let world = World::new();
    for user in 0..300 {
        world.register(&format!("u{user}"), "a.example.com", 0, 600);
    }
    let whole = world;
    // Room in all, room of the account, and how many there are in the end.
    for (registrations, of_account, expected) in
        [(1000, 1000, 301), (100, 1000, 100), (1000, 100, 100)]
    {
        let world = with_room_for(registrations, of_account);
        world.register("here", "b.example.com", 0, 600);
        let snapshot = whole.snapshot(&world.cache);
        let restored = snapshot
            .entries
            .iter()
            .filter(|one| world.cache.restore(one));
        assert_eq!(restored.count(), expected - 1);
        assert_eq!(world.users(0).len(), expected);
        assert_eq!(world.cache.held(), expected);
    }
}
