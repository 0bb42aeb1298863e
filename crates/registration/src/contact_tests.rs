//! Contacts as Kazoo's own parser reads them, and any bytes at all.

use proptest::prelude::*;

use super::*;

/// Every pair recorded from Kazoo's parser; where that one crashes, the address is simply unknown.
#[test]
fn agrees_with_kazoo() {
    let pairs: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../fixtures/oracle/contacts.json")).unwrap();
    assert!(pairs.len() > 30, "the fixture is all there");
    for pair in pairs {
        let contact = pair["original_contact"].as_str().unwrap();
        let expected = pair["contact_ip"]
            .as_str()
            .map(|host| (host, pair["contact_port"].as_u64().unwrap()));
        let got = ContactAddress::parse(contact);
        assert_eq!(
            got.map(|got| (got.host, u64::from(got.port))),
            expected,
            "{contact}"
        );
    }
}

#[test]
fn the_same_binding_whatever_stands_around_it() {
    for contact in [
        "<sip:bob@192.0.2.1:5060;transport=udp>",
        "\"Bob; <B>\" <sip:bob@192.0.2.1:5060;transport=udp>;expires=0",
        "  <sip:bob@192.0.2.1:5060;transport=udp>;q=1  ",
    ] {
        assert_eq!(addr_spec(contact), "sip:bob@192.0.2.1:5060;transport=udp");
    }
    assert_eq!(
        addr_spec("sip:bob@192.0.2.1:5060;expires=0"),
        "sip:bob@192.0.2.1:5060"
    );
}

#[test]
fn kinds() {
    assert_eq!(ContactKind::of("*"), ContactKind::Wildcard);
    assert_eq!(ContactKind::of("<null>"), ContactKind::Absent);
    for nothing in ["", "<>", "<<>>", "> <", "<\t>"] {
        assert_eq!(ContactKind::of(nothing), ContactKind::Absent, "{nothing}");
    }
    assert_eq!(ContactKind::of("<sip:a@b>"), ContactKind::Address);
    assert_eq!(ContactKind::of("nonsense"), ContactKind::Address);
}

proptest! {
    #[test]
    fn any_text_is_survived(contact in "\\PC*") {
        let _ = ContactAddress::parse(&contact);
        let _ = addr_spec(&contact);
        prop_assert!(!strip_brackets(&contact).contains(['<', '>']));
    }

    #[test]
    fn hostile_shapes_are_survived(contact in "[<>\"\\\\;:@\\[\\],?=a-z0-9 ]{0,60}") {
        if let Some(address) = ContactAddress::parse(&contact) {
            prop_assert!(!address.host.is_empty());
        }
        if ContactKind::of(&contact) == ContactKind::Address {
            prop_assert!(!strip_brackets(&contact).is_empty());
        }
    }

    #[test]
    fn well_formed_contacts_are_read(
        user in "[a-z0-9_.+-]{1,20}",
        host in prop_oneof!["[a-z][a-z0-9_-]{0,15}\\.example\\.com", Just("[2001:db8::1]".to_owned()), Just("192.0.2.7".to_owned())],
        port in 1u16..,
        params in prop_oneof![Just(""), Just(";transport=tcp"), Just(";fs_path=sip%3A10.0.0.1%3Blr"), Just(";ob;x=1")],
    ) {
        let contact = format!("<sip:{user}@{host}:{port}{params}>;expires=600");
        prop_assert_eq!(ContactAddress::parse(&contact), Some(ContactAddress { host: &host, port }));
    }
}
