//! Messages, one after another, up to a whole registrar: decode, rules, table, answers, flushes.

use futures_util::FutureExt as _;
use kapi::{Event, Limits, decode};
use registrar::{Delivery, FlushError, LinkState, Outcome};

use crate::world::World;

const MAX_MESSAGES: usize = 32;

/// Messages stand between NUL bytes. Before its body each may have: `+` and `*` for a second or ten
/// minutes that go by before it, `R` for one that was redelivered, `T` for one sent to us alone, `L`
/// for a link that comes up.
pub fn event(data: &[u8]) {
    let world = World::new();
    for message in data.split(|byte| *byte == 0).take(MAX_MESSAGES) {
        deliver(&world, message);
    }
    world.registrar.sweep();
    world.check_table();
    flush_all(&world);
}

fn deliver(world: &World, message: &[u8]) {
    let mut body = message;
    let (mut redelivered, mut targeted) = (false, false);
    while let [first, rest @ ..] = body {
        match first {
            b'+' => world.clock.advance_millis(1_000),
            b'*' => world.clock.advance_millis(600_000),
            b'R' => redelivered = true,
            b'T' => targeted = true,
            b'L' => world.registrar.link(&world.zone, LinkState::Consuming),
            _ => break,
        }
        body = rest;
    }
    check_decoded(body);
    let outcome = world.registrar.deliver(Delivery {
        zone: &world.zone,
        body,
        redelivered,
        targeted,
    });
    if let Outcome::Asked(query) = outcome {
        let answer = world.registrar.answer(&query);
        assert_eq!(answer.routing_key, *query.reply_to);
        let read = decode(
            &answer.body,
            Limits {
                max_body_bytes: usize::MAX,
            },
        );
        assert!(matches!(read, Ok(Event::Reply(_))), "{read:?}");
    }
}

fn check_decoded(body: &[u8]) {
    match decode(body, Limits::default()) {
        Ok(Event::Registration(report)) => {
            for name in [&report.username, &report.realm, &report.contact] {
                assert!(!name.is_empty() && name.len() <= body.len() * 3);
            }
        }
        Ok(_) => {}
        Err(reject) => {
            // It goes into a line of the log.
            let said = reject.to_string();
            assert!(said.len() < 1_000, "{} bytes: {said:.100}", said.len());
        }
    }
}

/// Every account can be flushed, unless its own realm is none that may be sent.
fn flush_all(world: &World) {
    let all = world.registrar.all();
    for account in all.iter().filter_map(|r| r.account.id.as_ref()) {
        let Some(scope) = world.registrar.scope(account, None) else {
            panic!("{account} is not known");
        };
        let before = world.bus.flushes();
        let flushed = world.registrar.flush_account(&scope).now_or_never();
        match flushed.expect("the bus does not wait") {
            Ok(_) => assert!(world.bus.flushes() > before),
            Err(FlushError::Unsafe { .. }) => assert_eq!(world.bus.flushes(), before),
            Err(error) => panic!("{error}"),
        }
    }
    world.check_table();
}
