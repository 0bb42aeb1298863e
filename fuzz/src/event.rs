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
    let messages: Vec<_> = data
        .split(|byte| *byte == 0)
        .take(MAX_MESSAGES)
        .map(Message::read)
        .collect();
    let mut is_news = false;
    for message in &messages {
        is_news |= check_decoded(message.body);
    }
    // Making a registrar takes longer than reading what is refused anyway.
    if !is_news {
        return;
    }
    let world = World::new();
    for message in &messages {
        deliver(&world, message);
    }
    world.registrar.cache().sweep();
    flush_all(&world);
}

#[derive(Default)]
struct Message<'a> {
    body: &'a [u8],
    seconds_before: u64,
    redelivered: bool,
    targeted: bool,
    comes_up: bool,
}

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut message = Self {
            body: bytes,
            ..Self::default()
        };
        while let [first, rest @ ..] = message.body {
            match first {
                b'+' => message.seconds_before += 1,
                b'*' => message.seconds_before += 600,
                b'R' => message.redelivered = true,
                b'T' => message.targeted = true,
                b'L' => message.comes_up = true,
                _ => break,
            }
            message.body = rest;
        }
        message
    }
}

fn deliver(world: &World, message: &Message<'_>) {
    world.clock.advance_millis(message.seconds_before * 1_000);
    if message.comes_up {
        world.registrar.link(&world.zone, LinkState::Consuming);
    }
    let outcome = world.registrar.deliver(Delivery {
        zone: &world.zone,
        body: message.body,
        redelivered: message.redelivered,
        targeted: message.targeted,
    });
    if let Outcome::Asked(query) = outcome {
        let Ok(answer) = world.registrar.answer(&query) else {
            panic!("a question was not answered: {query:?}");
        };
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

/// Whether there is anything to do about it.
fn check_decoded(body: &[u8]) -> bool {
    match decode(body, Limits::default()) {
        Ok(Event::Registration(report)) => {
            for name in [&report.username, &report.realm, &report.contact] {
                assert!(!name.is_empty() && name.len() <= body.len() * 3);
            }
            true
        }
        Ok(event) => event != Event::Other,
        Err(reject) => {
            // It goes into a line of the log.
            let said = reject.to_string();
            assert!(said.len() < 1_000, "{} bytes: {said:.100}", said.len());
            false
        }
    }
}

/// Every account can be flushed, unless its own realm is none that may be sent.
fn flush_all(world: &World) {
    let all = world.check_table();
    for account in all.iter().filter_map(|r| r.account.id.as_ref()) {
        let Some(scope) = world.registrar.scope(account, None) else {
            panic!("{account} is not known");
        };
        let before = world.bus.flushes();
        let flushed = world
            .registrar
            .flusher()
            .flush_account(&scope)
            .now_or_never();
        match flushed.expect("the bus does not wait") {
            Ok(_) => assert!(world.bus.flushes() > before),
            Err(FlushError::Unsafe { .. }) => assert_eq!(world.bus.flushes(), before),
            Err(error) => panic!("{error}"),
        }
    }
    if !all.is_empty() {
        world.check_table();
    }
}
