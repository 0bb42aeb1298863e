use super::*;

const T: u64 = 1_800_000_000_000;
const BOB: &str = "bob@a.example.com";

fn row(contact: &str, at: u64, lifetime: u64) -> Row {
    Row {
        contact: contact.into(),
        call_id: "c".into(),
        modified: at / 1000,
        expires: at / 1000 + lifetime,
    }
}

#[test]
fn the_database_is_five_seconds_behind() {
    let mut truth = Truth::default();
    assert_eq!(truth.register(T, BOB, row("sip:1", T, 600)), None);
    assert!(truth.held(T).contains_key(BOB));
    assert!(truth.written(T + 4_999).is_empty());
    assert!(truth.written(T + 5_000).contains_key(BOB));
    assert!(truth.remove(T + 6_000, BOB).is_some());
    assert!(truth.held(T + 6_000).is_empty());
    assert!(truth.written(T + 10_999).contains_key(BOB));
    assert!(truth.written(T + 11_000).is_empty());
}

#[test]
fn a_flush_finds_only_what_is_written() {
    let mut truth = Truth::default();
    truth.register(T, BOB, row("sip:1", T, 600));
    let flush = |truth: &mut Truth, at| truth.flush(at, "A.example.com", Some("BOB"));
    assert!(flush(&mut truth, T + 4_000).is_empty());
    assert_eq!(flush(&mut truth, T + 5_000), [BOB]);
    assert!(truth.held(T + 5_000).is_empty());
}

#[test]
fn a_flush_does_not_find_a_changed_contact_but_does_find_a_refreshed_one() {
    let mut truth = Truth::default();
    truth.register(T, BOB, row("sip:1", T, 600));
    truth.register(T + 9_000, BOB, row("sip:2", T + 9_000, 600));
    assert!(truth.flush(T + 10_000, "a.example.com", None).is_empty());
    truth.register(T + 20_000, BOB, row("sip:2", T + 20_000, 600));
    assert!(truth.flush(T + 20_001, "b.example.com", None).is_empty());
    assert_eq!(truth.flush(T + 20_001, "a.example.com", None), [BOB]);
}

#[test]
fn what_expires_is_gone_and_remembered_until_it_is_back() {
    let mut truth = Truth::default();
    truth.register(T, BOB, row("sip:1", T, 20));
    assert!(truth.held(T + 19_999).contains_key(BOB));
    assert!(truth.held(T + 20_000).is_empty());
    assert_eq!(truth.expired(T + 20_000).get(BOB), Some(&(T / 1000 + 20)));
    truth.register(T + 21_000, BOB, row("sip:1", T + 21_000, 20));
    assert!(truth.expired(T + 21_000).is_empty());
}
