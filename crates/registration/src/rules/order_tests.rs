//! What phones did, told in another order than it happened in.

use proptest::prelude::*;

use super::*;
use crate::{AccountData, Policy, Proxy, Source, UnixMillis, Zone};

const T0: u64 = 1_795_425_485;
const NOW: UnixMillis = UnixMillis((T0 + 100) * 1000);
const ONE: &str = "<sip:bob@192.0.2.1:5060>";
const TWO: &str = "<sip:bob@192.0.2.2:5060>";
const A: &str = "kamailio@a";
const B: &str = "kamailio@b";

pub(super) fn event(time: u64, seconds: u32, first: Option<bool>, contact: &str) -> Report {
    Report {
        username: "bob".into(),
        realm: "sip.example.com".into(),
        time: UnixSeconds(time),
        lifetime: if seconds == 0 {
            Lifetime::Ended
        } else {
            Lifetime::Seconds(seconds)
        },
        origin: Origin::Event,
        first,
        contact: contact.into(),
        call_id: None,
        user_agent: None,
        from_user: None,
        from_host: None,
        to_user: None,
        to_host: None,
        proxy: Proxy::default(),
        source: Source::default(),
        network: Source::default(),
        account: AccountData::default(),
        suppress_unregister_notify: None,
        register_overwrite_notify: None,
        registrar_node: Some(A.into()),
        registrar_hostname: None,
        zone: None,
        previous_contact: None,
        initial_registration: None,
        last_registration: None,
    }
}

fn register(time: u64) -> Report {
    event(time, 600, Some(true), ONE)
}

fn refresh(time: u64) -> Report {
    event(time, 600, Some(false), ONE)
}

fn unregister(time: u64) -> Report {
    event(time, 0, Some(false), ONE)
}

fn at(node: &str, mut report: Report) -> Report {
    report.registrar_node = Some(node.into());
    report
}

fn of(contact: &str, mut report: Report) -> Report {
    report.contact = contact.into();
    report
}

/// An AOR's place in a table.
struct Place {
    live: Option<Registration>,
    history: Option<BindingHistory>,
    complete: bool,
    now: UnixMillis,
}

impl Place {
    fn warm() -> Self {
        Self {
            live: None,
            history: None,
            complete: true,
            now: NOW,
        }
    }

    fn tell_again(&mut self, report: &Report, redelivered: bool) -> Decision {
        let context = DecisionContext {
            live: self.live.as_ref().filter(|live| live.is_live(self.now)),
            history: self.history.as_ref(),
            zone: &Zone::new("local"),
            policy: &Policy::default(),
            now: self.now,
            redelivered,
            complete: self.complete,
        };
        let verdict = decide(report, context);
        if verdict.history.is_some() {
            self.history = verdict.history;
        }
        match &verdict.decision {
            Decision::Store(registration, _) => self.live = Some((**registration).clone()),
            Decision::Remove(_) => self.live = None,
            Decision::Ignore(_) => {}
        }
        verdict.decision
    }

    fn tell(&mut self, report: &Report) -> Decision {
        self.tell_again(report, false)
    }

    fn told(reports: &[Report]) -> Option<String> {
        let mut place = Self::warm();
        for report in reports {
            place.tell(report);
        }
        place.contact()
    }

    fn contact(&self) -> Option<String> {
        self.live
            .as_ref()
            .map(|live| live.original_contact.to_string())
    }
}

fn here() -> String {
    ONE.into()
}

#[test]
fn a_register_and_its_unregister_swapped_within_the_second() {
    assert_eq!(Place::told(&[register(T0), unregister(T0)]), None);
    assert_eq!(Place::told(&[unregister(T0), register(T0)]), None);
}

#[test]
fn the_same_swapped_across_a_second() {
    assert_eq!(Place::told(&[unregister(T0 + 1), register(T0)]), None);
    let back = [unregister(T0 + 1), register(T0), register(T0 + 1)];
    assert_eq!(Place::told(&back), Some(here()));
}

#[test]
fn a_phone_that_was_known_and_starts_anew_within_the_second_stays() {
    for again in [
        [unregister(T0 + 9), register(T0 + 9)],
        [register(T0 + 9), unregister(T0 + 9)],
    ] {
        let [one, two] = again;
        assert_eq!(Place::told(&[register(T0), one, two]), Some(here()));
    }
}

#[test]
fn an_unregister_of_what_was_never_bound_undoes_nothing() {
    let never = event(T0, 0, Some(true), ONE);
    assert_eq!(Place::told(&[never.clone(), register(T0)]), Some(here()));
    assert_eq!(Place::told(&[register(T0), never]), Some(here()));
    let gone = event(T0 + 1, 0, Some(true), ONE);
    assert_eq!(Place::told(&[register(T0), gone]), None, "nothing is bound");
}

#[test]
fn a_table_that_is_not_complete_does_not_take_a_register_for_undone() {
    let mut place = Place {
        complete: false,
        ..Place::warm()
    };
    place.tell(&unregister(T0));
    place.tell(&register(T0));
    assert_eq!(place.contact(), Some(here()));
}

#[test]
fn what_was_told_twice_counts_once() {
    let mut place = Place::warm();
    place.tell(&register(T0));
    place.tell_again(&register(T0), true);
    place.tell(&unregister(T0));
    assert_eq!(place.contact(), None);
    place.tell_again(&register(T0), true);
    place.tell_again(&unregister(T0), true);
    assert_eq!(place.contact(), None);
}

#[test]
fn a_refresh_that_was_overtaken_by_the_unregister_is_undone() {
    let told = [register(T0), unregister(T0 + 9), refresh(T0 + 9)];
    assert_eq!(Place::told(&told), None);
}

#[test]
fn a_phone_that_moved_to_another_proxy_outlives_its_unregister_at_the_first() {
    let moved = at(B, register(T0 + 1));
    let late = at(A, unregister(T0 + 2));
    assert_eq!(
        Place::told(&[register(T0), moved.clone(), late.clone()]),
        Some(here())
    );
    let told = [register(T0), late.clone(), moved.clone()];
    assert_eq!(
        Place::told(&told),
        Some(here()),
        "the word of the other proxy took longer"
    );
    let left_with_another_contact = at(A, unregister(T0 + 2));
    let told = [register(T0), of(TWO, moved), left_with_another_contact];
    assert_eq!(Place::told(&told), Some(TWO.into()));
}

#[test]
fn a_wildcard_ends_what_stands_at_its_proxy() {
    let all = event(T0 + 1, 0, Some(false), "*");
    assert_eq!(Place::told(&[register(T0), all.clone()]), None);
    assert_eq!(
        Place::told(&[at(B, register(T0)), at(A, all)]),
        Some(here())
    );
}

#[test]
fn the_register_of_a_replaced_contact_that_is_its_unregister() {
    let one = register(T0);
    let two = of(TWO, event(T0 + 10, 600, Some(true), ONE));
    for late in [1, 2, 30_u32] {
        let echo = event(T0 + 10 + u64::from(late), 600 - late, Some(true), ONE);
        let mut place = Place::warm();
        place.tell(&one);
        place.tell(&two);
        assert_eq!(
            place.tell(&echo),
            Decision::Ignore(Ignored::StaleContact),
            "{late} s later"
        );
        assert_eq!(place.contact(), Some(TWO.into()));
    }
    // The first phone itself, back again.
    let back = event(T0 + 40, 600, Some(true), ONE);
    assert_eq!(Place::told(&[one, two, back]), Some(here()));
}

#[test]
fn the_same_once_the_other_contact_was_refreshed() {
    let two = of(TWO, event(T0 + 10, 600, Some(true), ONE));
    let again = of(TWO, event(T0 + 70, 600, Some(false), ONE));
    let echo = event(T0 + 75, 595, Some(true), ONE);
    let told = [register(T0), two, again.clone(), echo.clone()];
    assert_eq!(Place::told(&told), Some(TWO.into()));
    assert_eq!(
        Place::told(&[again.clone(), echo]),
        Some(TWO.into()),
        "nor was it heard who was replaced"
    );
    let back = event(T0 + 75, 600, Some(true), ONE);
    assert_eq!(Place::told(&[again, back]), Some(here()));
}

#[test]
fn a_replaced_contact_that_ended_before_it_was_heard_of_takes_the_first_with_it() {
    let told = [
        register(T0),
        of(TWO, unregister(T0 + 5)),
        of(TWO, register(T0 + 5)),
    ];
    assert_eq!(Place::told(&told), None);
}

fn statement(time: u64, seconds: u32) -> Report {
    Report {
        origin: Origin::Statement,
        first: None,
        ..event(time, seconds, None, "sip:bob@192.0.2.1:5060")
    }
}

#[test]
fn a_statement_fills_a_hole_and_brings_nobody_back() {
    assert!(Place::told(&[statement(T0, 300)]).is_some());
    let gone = [register(T0), unregister(T0 + 20), statement(T0 + 20, 300)];
    assert_eq!(Place::told(&gone), None);
    let mut place = Place::warm();
    place.tell(&register(T0));
    let known = place.tell(&statement(T0 + 20, 580));
    assert_eq!(known, Decision::Ignore(Ignored::Known));
    let missed = place.tell(&statement(T0 + 40, 599));
    assert!(
        matches!(missed, Decision::Store(_, Stored::Refreshed)),
        "{missed:?}"
    );
}

#[test]
fn a_statement_of_the_proxy_that_a_phone_left_does_not_move_it_back() {
    let left = at(A, statement(T0 + 50, 550));
    let told = [register(T0), at(B, of(TWO, register(T0 + 1))), left];
    assert_eq!(Place::told(&told), Some(TWO.into()));
}

/// What a phone does next; what the proxy makes of it depends on what it holds.
#[derive(Clone, Copy, Debug)]
enum Act {
    Register,
    Unregister,
}

/// The proxy's words for it, in order, and whether the phone is bound in the end.
fn happen(acts: &[(u64, Act)]) -> (Vec<Report>, bool) {
    let mut bound = false;
    let mut time = T0;
    let mut events = Vec::new();
    for (pause, act) in acts {
        time += pause;
        let seconds = match act {
            Act::Register => 600,
            Act::Unregister => 0,
        };
        events.push(event(time, seconds, Some(!bound), ONE));
        bound = matches!(act, Act::Register);
    }
    (events, bound)
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let act = prop_oneof![Just(Act::Register), Just(Act::Unregister)];
    prop::collection::vec((prop_oneof![4 => Just(0u64), 1 => 1..3u64], act), 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// In whatever order the events of each second come, the end is what the proxy holds.
    #[test]
    fn the_order_within_a_second_does_not_matter(acts in acts(), keys in prop::collection::vec(any::<u32>(), 14)) {
        let (events, bound) = happen(&acts);
        let mut keyed: Vec<_> = events.iter().zip(keys).collect();
        keyed.sort_by_key(|(event, key)| (event.time, *key));
        let told: Vec<_> = keyed.into_iter().map(|(event, _)| event.clone()).collect();
        prop_assert_eq!(Place::told(&told).is_some(), bound, "{:?}", told.iter().map(|e| (e.time.0 - T0, e.lifetime, e.first)).collect::<Vec<_>>());
    }

    /// Whatever comes in whatever order and however often, what stands is as new as the newest.
    #[test]
    fn nothing_older_than_the_newest_event_stands(told in prop::collection::vec((0..5u64, prop_oneof![Just(0u32), Just(600)], any::<Option<bool>>(), any::<bool>(), any::<bool>()), 1..20)) {
        let mut place = Place::warm();
        let mut newest_register = None;
        let mut newest = None;
        for (time, seconds, first, again, two) in told {
            let report = event(T0 + time, seconds, first, if two { TWO } else { ONE });
            place.tell_again(&report, again);
            newest = newest.max(Some(report.time));
            if seconds > 0 {
                newest_register = newest_register.max(Some(report.time));
            }
        }
        if let Some(live) = &place.live {
            prop_assert_eq!(Some(live.last_registration), newest_register);
        }
        let told_of = place.history.as_ref().map(|history| history.second);
        prop_assert!(told_of <= newest);
    }
}
