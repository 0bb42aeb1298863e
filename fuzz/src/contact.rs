//! Contacts and names, as phones write them.

use registration::{
    AccountId, Aor, ContactAddress, ContactKind, addr_spec, check_flushable, strip_brackets,
};

/// What reaches the proxies' SQL, or ends it.
const SQL: [char; 8] = ['\'', '"', '`', '\\', ';', '%', '\0', '\u{7f}'];

/// One contact, or one name.
pub fn contact(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    read(text);
    name(text);
    if let Some((username, realm)) = text.split_once('\n')
        && !realm.contains('@')
    {
        let aor = Aor::new(username, realm);
        assert_eq!(aor.username(), username.to_ascii_lowercase());
        assert_eq!(aor.realm(), realm.to_ascii_lowercase());
    }
}

fn read(text: &str) {
    let stripped = strip_brackets(text);
    assert!(!stripped.contains(['<', '>']));
    assert_eq!(strip_brackets(&stripped), stripped);
    let uri = addr_spec(text);
    assert!(is_part(uri, text));
    // What stands around it changes no binding.
    assert_eq!(addr_spec(&format!("  {text}\t")), uri);
    let address = ContactAddress::parse(text);
    match ContactKind::of(text) {
        ContactKind::Absent => assert_eq!(address, None),
        ContactKind::Wildcard => assert_eq!(address.map(|a| (a.host, a.port)), Some(("*", 0))),
        ContactKind::Address => {
            let Some(address) = address else { return };
            assert!(!address.host.is_empty() && is_part(address.host, text));
            assert!(
                !address.host.contains(['<', '>', ',', ' ', ';', '?']),
                "{address:?}"
            );
            let is_sip = ["sip:", "sips:"].iter().any(|scheme| {
                uri.get(..scheme.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            });
            assert!(address.port != 0 || !is_sip, "{address:?}");
        }
    }
}

fn is_part(part: &str, whole: &str) -> bool {
    let range = whole.as_bytes().as_ptr_range();
    let own = part.as_bytes().as_ptr_range();
    range.start <= own.start && own.end <= range.end
}

fn name(text: &str) {
    let is_admitted = check_flushable(text).is_ok();
    let is_harmless = (1..=255).contains(&text.len())
        && !text
            .chars()
            .any(|c| SQL.contains(&c) || u32::from(c) < 32 || (0x80..0xa0).contains(&u32::from(c)));
    assert_eq!(is_admitted, is_harmless, "{text:?}");
    if let Ok(id) = AccountId::parse(text) {
        assert_eq!(id.as_str(), text);
        assert_eq!(id.database().replace("%2F", ""), format!("account{text}"));
    }
}
