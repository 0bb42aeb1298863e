//! A simple model of the cache, and random steps that both take.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;

const USERS: [&str; 4] = ["amy", "Bob", "carl", "dora"];
const REALMS: [&str; 3] = ["r0.example.com", "R1.example.com", "main.example.com"];

#[derive(Clone, Debug)]
enum Step {
    Register {
        user: usize,
        realm: usize,
        account: usize,
        contact: u8,
        expires: u32,
    },
    /// A message that repeats the last one.
    Repeat {
        user: usize,
        realm: usize,
    },
    Unregister {
        user: usize,
        realm: usize,
    },
    Flush {
        user: usize,
        realm: usize,
    },
    Amend {
        user: usize,
        realm: usize,
        account: usize,
    },
    Restart,
    Sweep,
    Wait {
        seconds: u64,
    },
}

/// A registration of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Phone {
    account: usize,
    contact: String,
    last: u64,
    expires: u32,
}

/// Who is registered, by user and realm, at a time in seconds after [`T0`].
#[derive(Clone, Debug, Default)]
struct Model {
    phones: BTreeMap<(usize, usize), Phone>,
    now: u64,
}

impl Model {
    fn live(&self) -> impl Iterator<Item = (&(usize, usize), &Phone)> {
        let is_live = |phone: &Phone| self.now < phone.last + u64::from(phone.expires);
        self.phones.iter().filter(move |(_, phone)| is_live(phone))
    }
}

fn contact(number: u8) -> String {
    format!("<sip:phone@192.0.2.{number}:5060;transport=udp>")
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let aor = (0..USERS.len(), 0..REALMS.len());
        let registers = (aor.clone(), 0..ACCOUNTS.len(), 1..3_u8, 1..40_u32);
        prop_oneof![
            6 => registers.prop_map(|((user, realm), account, contact, expires)| {
                Step::Register { user, realm, account, contact, expires }
            }),
            4 => aor.clone().prop_map(|(user, realm)| Step::Repeat { user, realm }),
            2 => aor.clone().prop_map(|(user, realm)| Step::Unregister { user, realm }),
            2 => aor.clone().prop_map(|(user, realm)| Step::Flush { user, realm }),
            1 => (aor, 0..ACCOUNTS.len()).prop_map(|((user, realm), account)| {
                Step::Amend { user, realm, account }
            }),
            1 => Just(Step::Restart),
            1 => Just(Step::Sweep),
            2 => (0..30_u64).prop_map(|seconds| Step::Wait { seconds }),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        // Each step is in a second of its own: within a second the rules have more to weigh.
        state.now += 1;
        let now = state.now;
        let live: BTreeSet<_> = state.live().map(|(aor, _)| *aor).collect();
        state.phones.retain(|aor, _| live.contains(aor));
        match *step {
            Step::Register {
                user,
                realm,
                account,
                contact: number,
                expires,
            } => {
                let phone = Phone {
                    account,
                    contact: contact(number),
                    last: now,
                    expires,
                };
                state.phones.insert((user, realm), phone);
            }
            Step::Repeat { user, realm } => {
                if let Some(phone) = state.phones.get_mut(&(user, realm)) {
                    phone.last = now;
                }
            }
            Step::Unregister { user, realm } | Step::Flush { user, realm } => {
                state.phones.remove(&(user, realm));
            }
            Step::Amend {
                user,
                realm,
                account,
            } => {
                if let Some(phone) = state.phones.get_mut(&(user, realm)) {
                    phone.account = account;
                }
            }
            Step::Restart | Step::Sweep => {}
            Step::Wait { seconds } => state.now += seconds,
        }
        state
    }
}

/// The cache, and what a follower of its changes has.
struct Followed {
    world: World,
    picture: BTreeMap<String, EntryRef>,
    numbered: u64,
}

impl Followed {
    fn report(
        &self,
        user: usize,
        realm: usize,
        account: usize,
        number: u8,
        expires: u32,
    ) -> Report {
        let mut report = (self.world).report(USERS[user], REALMS[realm], account, expires);
        report.contact = contact(number).as_str().into();
        report
    }

    /// The present registration of an AOR, as a report that repeats it.
    fn repeated(&self, user: usize, realm: usize) -> Option<Report> {
        let known = self
            .world
            .cache
            .get(&Aor::new(USERS[user], REALMS[realm]))?;
        let account = ACCOUNTS
            .iter()
            .position(|id| known.account().is_some_and(|known| known.as_str() == *id));
        let view = known.view();
        let mut report =
            (self.world).report(USERS[user], REALMS[realm], account.unwrap(), view.expires);
        report.contact = view.original_contact.into();
        Some(report)
    }

    /// A fingerprint as the messages' contents give it.
    fn fingerprint(report: &Report) -> u64 {
        let (account, lifetime) = (report.account.id, report.lifetime);
        foldhash::quality::FixedState::default()
            .hash_one(format!("{account:?} {lifetime:?} {}", report.contact))
            .max(1)
    }

    /// Follows the changes that were told since the last time.
    fn follow(&mut self) {
        for change in self.world.told.lock().unwrap().drain(..) {
            self.numbered += 1;
            assert_eq!(change.number, self.numbered);
            let of = change.before.as_ref().or(change.after.as_ref()).unwrap();
            let known = self.picture.remove(of.aor().as_str());
            let (known, before) = (
                known.as_ref().map(EntryRef::view),
                change.before.as_ref().map(EntryRef::view),
            );
            assert_eq!(known, before, "{:?}", change.kind);
            if let Some(after) = change.after {
                self.picture.insert(after.aor().to_string(), after);
            }
        }
    }

    fn restart(&mut self) {
        let world = World::new();
        let passed = self.world.clock.now().0 - world.clock.now().0;
        world.clock.advance_millis(passed);
        let snapshot = self.world.snapshot(&world.cache);
        let restored = snapshot.insert(&world.cache);
        assert_eq!(restored.taken_in, restored.found);
        assert_eq!(snapshot.insert(&world.cache).taken_in, 0, "all is known");
        self.world = world;
        self.picture.clear();
        self.numbered = 0;
    }
}

use std::hash::BuildHasher as _;

impl StateMachineTest for Followed {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        Self {
            world: World::new(),
            picture: BTreeMap::new(),
            numbered: 0,
        }
    }

    fn apply(mut state: Self, _: &Model, step: Step) -> Self {
        state.world.clock.advance_millis(1000);
        let cache = &state.world.cache;
        match step {
            Step::Register {
                user,
                realm,
                account,
                contact,
                expires,
            } => {
                let report = state.report(user, realm, account, contact, expires);
                apply(cache, &report, Self::fingerprint(&report));
            }
            Step::Repeat { user, realm } => {
                if let Some(report) = state.repeated(user, realm) {
                    let (aor, fingerprint) = (
                        Aor::new(&report.username, &report.realm),
                        Self::fingerprint(&report),
                    );
                    if !cache.refresh(&aor, report.time, fingerprint, 0) {
                        apply(cache, &report, fingerprint);
                    }
                }
            }
            Step::Unregister { user, realm } => {
                if let Some(mut report) = state.repeated(user, realm) {
                    report.lifetime = Lifetime::Ended;
                    apply(cache, &report, 0);
                }
            }
            Step::Flush { user, realm } => drop(state.world.flush(USERS[user], REALMS[realm])),
            Step::Amend {
                user,
                realm,
                account: number,
            } => {
                let aor = Aor::new(USERS[user], REALMS[realm]);
                cache.amend(&aor, false, |registration| {
                    let mut amended = registration.clone();
                    amended.account.id = Some(account(number));
                    Some(amended)
                });
            }
            Step::Restart => state.restart(),
            Step::Sweep => cache.sweep(),
            Step::Wait { seconds } => state.world.clock.advance_millis(seconds * 1000),
        }
        state.follow();
        state
    }

    fn check_invariants(state: &Self, model: &Model) {
        let cache = &state.world.cache;
        let aor = |(user, realm): &(usize, usize)| Aor::new(USERS[*user], REALMS[*realm]);
        for (key, phone) in model.live() {
            let found = cache.get(&aor(key)).expect("it is registered");
            let view = found.view();
            assert_eq!(view.original_contact, phone.contact);
            assert_eq!(view.account.id, Some(account(phone.account)));
            assert_eq!(view.last_registration, UnixSeconds(T0 + phone.last));
            assert_eq!(view.expires, phone.expires);
        }
        let mut live: Vec<_> = model.live().map(|(key, _)| aor(key)).collect();
        live.sort();
        assert_eq!(aors(&cache.all()), live);
        assert_eq!(cache.len(), live.len());
        assert!(cache.held() >= live.len());
        // What the follower has beside has ended, and its end is told when it is swept.
        let now = state.world.clock.now();
        let followed = state.picture.values().filter(|one| one.view().is_live(now));
        let followed: Vec<_> = followed.cloned().collect();
        assert_eq!(aors(&followed), live);
        assert_eq!(state.picture.len(), cache.held());
        check_lookups(cache, model);
    }
}

/// Lists, counts and look-ups by name of every account with some realms.
fn check_lookups(cache: &Cache, model: &Model) {
    let realm_sets = [&REALMS[..0], &REALMS[..1], &REALMS[1..]];
    for number in [None, Some(0), Some(1)] {
        for realms in realm_sets {
            let belongs = |((_, realm), phone): &(&(usize, usize), &Phone)| {
                // Each phone's account has the realm main.example.com.
                Some(phone.account) == number
                    || realms.contains(&REALMS[*realm])
                    || realms.contains(&REALMS[2])
            };
            let expected = model.live().filter(belongs);
            let expected =
                expected.map(|((user, realm), _)| Aor::new(USERS[*user], REALMS[*realm]));
            let mut expected: Vec<_> = expected.collect();
            expected.sort();
            let account = number.map(account);
            let found = cache.find(account.as_ref(), realms);
            assert_eq!(aors(&found), expected, "{number:?} {realms:?}");
            assert_eq!(cache.count(account.as_ref(), realms), expected.len());
            let named = USERS.iter().flat_map(|user| {
                cache.find_named(account.as_ref(), realms, &user.to_ascii_uppercase())
            });
            assert_eq!(aors(&named.collect::<Vec<_>>()), expected);
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_cache_does_what_the_model_does(sequential 1..40 => Followed);
}
