//! The table and its index: what is shown, what is left behind.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use registration::{
    AccountData, AccountId, Aor, Lifetime, ManualClock, Policy, Proxy, Source, Stored, Text,
    UnixSeconds, Zone,
};

use super::*;

const T0: u64 = 1_795_425_485;
const ACCOUNTS: [&str; 2] = [
    "4f1c2d3e4f5061728394a5b6c7d8e9f0",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

struct World {
    clock: Arc<ManualClock>,
    table: Table,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
        let table = Table::new(
            Arc::<ManualClock>::clone(&clock),
            Capacity::default(),
            Arc::new(|_| {}),
        );
        Self { clock, table }
    }

    fn report(&self, username: &str, realm: &str, account: usize, expires: u32) -> Report {
        Report {
            username: username.into(),
            realm: realm.into(),
            time: self.clock.now().seconds(),
            lifetime: if expires == 0 {
                Lifetime::Ended
            } else {
                Lifetime::Seconds(expires)
            },
            origin: registration::Origin::Event,
            first: None,
            contact: "<sip:a@192.0.2.1>".into(),
            call_id: None,
            user_agent: None,
            from_user: None,
            from_host: None,
            to_user: None,
            to_host: None,
            proxy: Proxy::default(),
            source: Source::default(),
            network: Source::default(),
            account: AccountData {
                id: (ACCOUNTS.get(account)).and_then(|id| AccountId::parse(id).ok()),
                realm: Some("main.example.com".into()),
                ..AccountData::default()
            },
            suppress_unregister_notify: None,
            register_overwrite_notify: None,
            registrar_node: None,
            registrar_hostname: None,
            zone: None,
            previous_contact: None,
            initial_registration: None,
            last_registration: None::<UnixSeconds>,
        }
    }

    fn apply(&self, report: &Report) -> Decision {
        let policy = Policy {
            expires_deviation: 0,
            ..Policy::default()
        };
        let hearing = Hearing {
            zone: &Zone::new("local"),
            policy: &policy,
            redelivered: false,
            complete: true,
            fingerprint: 0,
        };
        self.table.apply(report, hearing).decision
    }

    fn register(&self, username: &str, realm: &str, account: usize, expires: u32) -> Decision {
        self.apply(&self.report(username, realm, account, expires))
    }

    /// Whatever is in the table, dead ones that were not reclaimed yet included.
    fn held(&self) -> HashSet<Aor> {
        let mut held = HashSet::new();
        for shard in self.table.shards.each() {
            let live = shard.iter().filter(|slot| slot.kind() == Kind::Live);
            held.extend(live.map(Slot::aor));
        }
        held
    }

    /// What the index has of an account, dead ones that were not reclaimed yet included.
    fn indexed(&self, account: usize) -> Vec<Aor> {
        let account = AccountId::parse(ACCOUNTS[account]).unwrap();
        let mut aors = Vec::new();
        for group in self.table.index.of_account(&account) {
            group.each(|slot| aors.push(slot.aor()));
        }
        aors
    }

    fn of_realm(&self, realm: &str) -> usize {
        let mut count = 0;
        for group in self.table.index.of_realm(realm) {
            group.each(|_| count += 1);
        }
        count
    }

    fn users(&self, account: usize) -> Vec<String> {
        let account = AccountId::parse(ACCOUNTS[account]).unwrap();
        let mut users: Vec<_> = self
            .table
            .find(Some(&account), &[] as &[&str])
            .iter()
            .map(|r| r.aor().to_string())
            .collect();
        users.sort();
        users
    }
}

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
        assert_eq!(world.table.find(None, &[realm]).len(), 1, "{realm}");
    }
    assert_eq!(world.table.find(None, &["other.example.com"]).len(), 0);
    assert!(
        world
            .table
            .get(&Aor::new("bob", "device.example.com"))
            .is_some()
    );
}

#[test]
fn shown_once_however_many_keys_find_it() {
    let world = World::new();
    world.register("bob", "main.example.com", 0, 60);
    let account = AccountId::parse(ACCOUNTS[0]).unwrap();
    assert_eq!(
        world
            .table
            .find(Some(&account), &["main.example.com", "MAIN.example.com"])
            .len(),
        1
    );
}

#[test]
fn gone_at_its_last_millisecond_and_out_of_the_index_when_unregistered() {
    let world = World::new();
    world.register("bob", "main.example.com", 0, 60);
    world.clock.advance_millis(59_999);
    assert_eq!(world.users(0).len(), 1);
    world.clock.advance_millis(1);
    assert_eq!(world.users(0).len(), 0, "not even for a second");

    world.register("bob", "main.example.com", 0, 60);
    assert!(matches!(
        world.register("bob", "main.example.com", 0, 0),
        Decision::Remove(_)
    ));
    assert_eq!(world.users(0).len(), 0);
    assert!(world.table.index_is_empty());
}

#[test]
fn an_expired_registration_is_no_predecessor() {
    let world = World::new();
    world.register("bob", "main.example.com", 0, 60);
    world.clock.advance_millis(61_000);
    let Decision::Store(registration, Stored::Registered) =
        world.register("bob", "main.example.com", 1, 60)
    else {
        panic!("a new registration");
    };
    assert_eq!(registration.previous_contact, None);
    assert_eq!(
        (world.users(0).len(), world.users(1).len()),
        (0, 1),
        "moved to the other account"
    );
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
    let account = AccountId::parse(ACCOUNTS[0]).unwrap();
    let said = |user: &str, realm: &str, expires| {
        let mut report = world.report(user, "device.example.com", 0, expires);
        report.account.realm = Some(realm.into());
        world.apply(&report);
        world.table.realm_of(&account)
    };
    let is = |realm: &str| Some(Text::from(realm));
    assert_eq!(world.table.realm_of(&account), None);
    assert_eq!(said("amy", "Old.example.com", 60), is("old.example.com"));
    assert_eq!(said("bob", "new.example.com", 60), is("new.example.com"));
    assert_eq!(said("amy", "old.example.com", 60), is("new.example.com"));
    assert_eq!(said("bob", "new.example.com", 0), is("old.example.com"));
    assert_eq!(said("amy", "old.example.com", 0), is("old.example.com"));
    assert_eq!(said("bob", "new.example.com", 60), is("new.example.com"));
    assert_eq!(said("bob", "new.example.com", 0), is("new.example.com"));
    assert!(world.table.index_is_empty());
    assert_eq!(world.table.former_realms(), ["new.example.com".into()]);
    assert_eq!(
        said("eve", "third.example.com", 60),
        is("third.example.com")
    );
}

/// With the machine's own clock: moka reclaims by itself and takes the index along.
#[test]
fn what_expired_leaves_the_index_and_what_was_refreshed_stays() {
    let table = Table::new(
        Arc::new(registration::SystemClock),
        Capacity::default(),
        Arc::new(|_| {}),
    );
    let world = World {
        clock: Arc::new(ManualClock::at(registration::SystemClock.now())),
        table,
    };
    world.register("gone", "main.example.com", 0, 1);
    world.register("kept", "main.example.com", 0, 1);
    world.register("kept", "main.example.com", 0, 3600);
    world.register("sooner", "main.example.com", 0, 3600);
    world.register("sooner", "main.example.com", 0, 1);
    world.register("elsewhere", "other.example.com", 1, 1);
    let patience = Instant::now() + Duration::from_secs(10);
    while world.indexed(0).len() > 1 || !world.indexed(1).is_empty() {
        assert!(
            Instant::now() < patience,
            "expired AORs are still in the index"
        );
        std::thread::yield_now();
        world.table.sweep();
    }
    assert_eq!(world.users(0), ["kept@main.example.com"]);
    assert_eq!(world.of_realm("main.example.com"), 1);
    assert_eq!(world.of_realm("other.example.com"), 0);
}

#[test]
fn an_end_that_comes_sooner_again_and_again_leaves_one_lease() {
    let world = World::new();
    for _ in 0..20_000 {
        world.register("amy", "main.example.com", 0, 3600);
        world.register("amy", "main.example.com", 0, 60);
    }
    world.table.sweep();
    assert_eq!(world.table.leases.held(), 1);
}

#[test]
fn threads_leave_table_and_index_alike() {
    let world = World::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for round in 0..500 {
                    let user = format!("u{}", (round * 7 + thread) % 10);
                    match (round + thread) % 4 {
                        0 => drop(world.table.take_out(&user, "main.example.com", |_| true)),
                        1 => drop(world.register(&user, "main.example.com", 0, 0)),
                        n => drop(world.register(&user, "main.example.com", n % 2, 60)),
                    }
                }
            });
        }
    });
    let mut indexed: Vec<_> = (0..ACCOUNTS.len())
        .flat_map(|of| world.indexed(of))
        .collect();
    indexed.sort();
    let held = world.held();
    assert_eq!(indexed.len(), held.len(), "no AOR twice, none left over");
    assert_eq!(world.table.held(), held.len());
    assert!(indexed.iter().all(|aor| held.contains(aor)));
    assert_eq!(world.of_realm("main.example.com"), held.len());
}

proptest! {
    /// Index and table never disagree, whatever happens in whatever order.
    #[test]
    fn index_and_table_agree(steps in prop::collection::vec((0usize..6, 0usize..2, 0usize..3, 0u32..3, 0u64..40), 1..60)) {
        let world = World::new();
        for (user, account, realm, kind, seconds) in steps {
            let (user, realm) = (format!("u{user}"), format!("r{realm}.example.com"));
            match kind {
                0 => drop(world.table.take_out(&user, &realm, |_| true)),
                1 => drop(world.register(&user, &realm, account, 0)),
                _ => drop(world.register(&user, &realm, account, 30)),
            }
            world.clock.advance_millis(seconds * 1000);
            let held = world.held();
            let indexed: HashSet<_> = (0..ACCOUNTS.len()).flat_map(|of| world.indexed(of))
                .collect();
            prop_assert_eq!(&indexed, &held);
            prop_assert_eq!(world.table.held(), held.len());
            prop_assert_eq!(world.of_realm("main.example.com"), held.len());
            for account in ACCOUNTS {
                let account = AccountId::parse(account).unwrap();
                for realms in [&[][..], &["r0.example.com", "R1.example.com", "main.example.com"]] {
                    for account in [None, Some(&account)] {
                        let listed = world.table.find(account, realms);
                        prop_assert_eq!(world.table.count(account, realms), listed.len());
                        let named: Vec<_> = (0..6)
                            .flat_map(|user| world.table.find_named(account, realms, &format!("U{user}")))
                            .collect();
                        prop_assert_eq!(aors(&named), aors(&listed));
                    }
                }
            }
        }
    }
}

const REALMS: [&str; 3] = ["r0.example.com", "r1.example.com", "r2.example.com"];

proptest! {
    /// Whoever comes to a realm that was an account's alone, or leaves it, is counted and listed.
    #[test]
    fn others_in_a_realm_are_seen(steps in prop::collection::vec((0usize..2, 0usize..3, 0usize..3, 0usize..4, any::<bool>()), 1..40)) {
        let world = World::new();
        let accounts = ACCOUNTS.map(|id| AccountId::parse(id).unwrap());
        let scopes = accounts.iter().flat_map(|account| {
            let realms = [&REALMS[..0], &REALMS[..1], &REALMS[1..]];
            realms.map(|realms| (Some(account), realms))
        });
        let scopes: Vec<_> = scopes.collect();
        for (user, account, realm, of_account, stays) in steps {
            let marked: Vec<_> = scopes
                .iter()
                .map(|(account, realms)| world.table.find_marked(*account, realms))
                .collect();
            for ((account, realms), (_, mark)) in scopes.iter().zip(&marked) {
                prop_assert!(world.table.is_as_marked(*account, realms, mark));
            }
            let mut report = world.report(&format!("u{user}"), REALMS[realm], account, 60);
            report.account.realm = REALMS.get(of_account).map(|realm| (*realm).into());
            if !stays {
                report.lifetime = Lifetime::Ended;
            }
            world.apply(&report);
            for ((account, realms), (before, mark)) in scopes.iter().zip(&marked) {
                let listed = world.table.find(*account, realms);
                prop_assert_eq!(world.table.count(*account, realms), listed.len());
                if world.table.is_as_marked(*account, realms, mark) {
                    prop_assert_eq!(aors(&listed), aors(before));
                }
            }
        }
    }
}

/// What is found twice is there twice.
fn aors(found: &[Held]) -> Vec<Aor> {
    let mut aors: Vec<_> = found.iter().map(Held::aor).collect();
    aors.sort();
    aors
}

fn with_room_for(registrations: usize, of_account: usize) -> World {
    let mut world = World::new();
    let capacity = Capacity {
        registrations,
        of_account,
    };
    world.table = Table::new(
        Arc::<ManualClock>::clone(&world.clock),
        capacity,
        Arc::new(|_| {}),
    );
    world
}

#[test]
fn a_full_table_keeps_whom_it_has() {
    let world = with_room_for(2, 100);
    let registers = |user: &str, expires| world.register(user, "a.example.com", 0, expires);
    registers("amy", 600);
    registers("bob", 60);
    assert_eq!(registers("eve", 600), Decision::Ignore(Ignored::TableFull));
    assert!(matches!(
        registers("amy", 600),
        Decision::Store(_, Stored::Refreshed)
    ));
    assert_eq!((world.users(0).len(), world.table.held()), (2, 2));
    registers("amy", 0);
    assert!(matches!(registers("eve", 600), Decision::Store(..)));
    // What has ended gives its place up when it is reclaimed.
    world.clock.advance_millis(61_000);
    assert!(
        matches!(registers("bob", 60), Decision::Store(..)),
        "it had a place"
    );
    world.clock.advance_millis(61_000);
    world.table.sweep();
    assert_eq!(world.table.held(), world.held().len());
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
    let mut nobody = world.report("zed", "a.example.com", 0, 600);
    nobody.account.id = None;
    assert_eq!(world.apply(&nobody), refused);
}

/// What a snapshot of an account with so many users would bring.
fn slots(world: &World, users: usize) -> Vec<Slot> {
    for user in 0..users {
        world.register(&format!("u{user}"), "a.example.com", 0, 600);
    }
    let all = world.table.all();
    all.iter().map(|held| held.slot().clone()).collect()
}

#[test]
fn no_more_come_back_than_there_is_room_for() {
    let brought = slots(&World::new(), 300);
    // Room in all, of the account, and how many there are in the end.
    for (registrations, of_account, expected) in
        [(1000, 1000, 301), (100, 1000, 100), (1000, 100, 100)]
    {
        let world = with_room_for(registrations, of_account);
        world.register("here", "b.example.com", 0, 600);
        let nobody = crate::changes::Listeners::default();
        let came = world.table.restore(brought.clone(), &nobody);
        assert_eq!(came, expected - 1);
        assert_eq!(world.users(0).len() as u64, expected);
        assert_eq!(
            world.table.held() as u64,
            expected,
            "no place is held for nobody"
        );
    }
}

#[test]
fn a_group_that_all_have_left_takes_nobody_in() {
    let [first, second, ..] = &slots(&World::new(), 2)[..] else {
        panic!("two");
    };
    let (index, mut last) = (Index::default(), None);
    index.put_next(first, &mut last);
    index.remove(first);
    index.put_next(second, &mut last);
    assert_eq!(index.peers_of(second.owner()), 1);
    index.put_next(first, &mut last);
    assert_eq!(index.peers_of(second.owner()), 2);
    for slot in [first, second] {
        index.remove(slot);
    }
    assert!(index.is_empty());
}
