//! A kept list never says anything that the table does not.

use std::collections::HashMap;

use kapi::Identity;
use proptest::prelude::*;
use registrar::{Accounts, Bus, BusFuture, Delivery, Publication, Receipt, Settings};
use registration::{ManualClock, UnixMillis, Zone};
use serde_json::json;

use super::*;
use crate::query::Params;

const ACCOUNTS: [&str; 2] = [
    "4f1c2d3e4f5061728394a5b6c7d8e9f0",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
];
const T0: u64 = 1_795_425_485;

struct NoBus;

impl Bus for NoBus {
    fn publish<'a>(&'a self, _: &'a Publication) -> BusFuture<'a> {
        let (confirmed, missing) = (vec![Zone::new("local")], Vec::new());
        Box::pin(async { Receipt { confirmed, missing } })
    }
}

struct World {
    registrar: Registrar,
    clock: Arc<ManualClock>,
    lists: Lists,
    shape: Shape,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
        let registrar = Registrar::new(
            Settings::new(Identity::new("rollcall@test").unwrap()),
            Accounts::new(HashMap::new()),
            Arc::new(NoBus),
            Arc::<ManualClock>::clone(&clock),
        );
        let request = actix_web::test::TestRequest::default().to_http_request();
        Self {
            registrar,
            clock,
            lists: Lists::new(1 << 20),
            shape: Shape::of(&Params::of(&request)).unwrap(),
        }
    }

    fn tell(&self, user: usize, account: usize, expires: u64, contact: usize) {
        self.tell_of(ACCOUNTS[account], user, expires, contact);
    }

    fn tell_of(&self, account: &str, user: usize, expires: u64, contact: usize) {
        use registration::Clock as _;
        let event = json!({
            "Event-Category": "directory", "Event-Name": "reg_success",
            "Event-Timestamp": self.clock.now().seconds().0, "Expires": expires,
            "Contact": format!("<sip:u{user}@192.0.2.{contact}:5062>"), "Realm": "a.example.com",
            "Username": format!("u{user}"), "Account-ID": account, "Account-Realm": "a.example.com",
            "Authorizing-ID": "d",
        });
        let delivered = self.registrar.deliver(Delivery::new(
            &Zone::new("local"),
            event.to_string().as_bytes(),
        ));
        assert!(
            !matches!(delivered, registrar::Outcome::Rejected(_)),
            "{delivered:?}"
        );
    }

    fn fresh(&self, scope: &Scope) -> Vec<u8> {
        let mut found = self.registrar.list(scope);
        found.sort_by(by_name);
        envelope::ended(text(&found, self.shape)).to_vec()
    }

    fn kept(&self, scope: &Scope) -> Option<Vec<u8>> {
        let list = self.lists.get(&self.registrar, scope, self.shape)?;
        Some(list.data.to_vec())
    }

    fn keep(&self, scope: &Scope) -> Vec<u8> {
        let found = self.registrar.list_marked(scope);
        self.lists.keep(scope, self.shape, found).data.to_vec()
    }
}

#[test]
fn a_list_is_used_again_until_something_changes() {
    let world = World::new();
    let account = AccountId::parse(ACCOUNTS[0]).unwrap();
    for user in [2, 0, 1] {
        world.tell(user, 0, 600, 1);
    }
    let scope = world.registrar.scope(&account, None).unwrap();
    assert_eq!(world.kept(&scope), None, "it was never asked for");
    let first = world.keep(&scope);
    assert_eq!(world.kept(&scope), Some(first));
    // Another account's phone is none of its business.
    world.tell(7, 1, 600, 1);
    let elsewhere = Scope {
        realms: Vec::new(),
        ..scope.clone()
    };
    assert_eq!(world.kept(&elsewhere), None, "of other realms");
    let of_account = world.keep(&elsewhere);
    assert_eq!(world.kept(&elsewhere), Some(of_account));
    world.clock.advance_millis(1000);
    world.tell(1, 0, 600, 1);
    assert_eq!(world.kept(&elsewhere), None, "a refresh is seen");
    world.keep(&elsewhere);
    world.clock.advance_millis(778_999);
    assert!(world.kept(&elsewhere).is_some());
    world.clock.advance_millis(1);
    assert_eq!(world.kept(&elsewhere), None, "two have ended");
}

#[test]
fn a_list_that_nobody_asks_for_is_let_go() {
    let world = World::new();
    world.tell(1, 0, 600, 1);
    let account = AccountId::parse(ACCOUNTS[0]).unwrap();
    let scope = world.registrar.scope(&account, None).unwrap();
    world.keep(&scope);
    world.lists.sweep();
    assert!(world.kept(&scope).is_some(), "it was asked for once");
    world.lists.sweep();
    assert!(world.kept(&scope).is_some(), "and again");
    world.lists.sweep();
    world.lists.sweep();
    assert_eq!(world.kept(&scope), None);
}

#[test]
fn lists_take_no_more_room_than_they_may() {
    let (mut world, many) = (World::new(), 50);
    let accounts: Vec<_> = (0..many).map(|at| format!("{at:032x}")).collect();
    for (user, account) in accounts.iter().enumerate() {
        world.tell_of(account, user, 600, 1);
    }
    let kept = |world: &World| {
        let scopes = accounts.iter().map(|account| Scope {
            account: AccountId::parse(account).unwrap(),
            realms: Vec::new(),
        });
        let scopes: Vec<_> = scopes.collect();
        for scope in &scopes {
            world.keep(scope);
        }
        scopes
            .iter()
            .filter(|scope| world.kept(scope).is_some())
            .count()
    };
    world.lists = Lists::new(1 << 20);
    assert_eq!(kept(&world), many);
    world.lists = Lists::new(16 << 10);
    assert!((2..many).contains(&kept(&world)));
    assert!(world.lists.0.weight() <= 16 << 10);
    world.lists = Lists::new(0);
    assert_eq!(kept(&world), 0);
}

proptest! {
    #[test]
    fn a_kept_list_says_what_the_table_does(
        steps in prop::collection::vec((0usize..6, 0usize..2, 0usize..3, 0u64..3, 0u64..30_000), 1..80),
    ) {
        let world = World::new();
        let account = AccountId::parse(ACCOUNTS[0]).unwrap();
        for (user, of, contact, expires, millis) in steps {
            world.tell(user, of, expires * 30, contact);
            world.clock.advance_millis(millis);
            let Some(scope) = world.registrar.scope(&account, None) else { continue };
            if let Some(kept) = world.kept(&scope) {
                prop_assert_eq!(kept, world.fresh(&scope));
            } else {
                prop_assert_eq!(world.keep(&scope), world.fresh(&scope));
            }
        }
    }
}
