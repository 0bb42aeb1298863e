//! What is stored comes back, and its digest tells it from all else.

use proptest::prelude::*;
use registration::{Registration, Text};

use super::*;
use crate::cache::entry::Entry;

fn text() -> impl Strategy<Value = Text> {
    let any = "\\PC{0,12}|[a-z]{300}|[0-9a-f]{32}|<null>|[<>]{1,3}";
    any.prop_map(|text| Text::from(text.as_str()))
}

fn maybe() -> impl Strategy<Value = Option<Text>> {
    prop::option::of(text())
}

prop_compose! {
    fn registration()(
        username in text(), realm in "[a-zA-Z.]{1,12}", original in text(), contact in text(),
        from_host in text(), to_host in text(), same_host: bool,
        texts in prop::collection::vec(maybe(), 20), port: Option<u16>,
        id in prop::option::of("[0-9a-f]{32}"), flags: (bool, bool), times: (u32, u32, u32),
    ) -> Registration {
        let realm = Text::from(realm.as_str());
        let [previous_contact, call_id, user_agent, from_user, to_user, path, ip, protocol, source_ip,
            source_port, network_ip, network_port, account_realm, name, authorizing_id,
            authorizing_type, owner_id, presence_id, registrar_node, registrar_hostname] =
            texts.try_into().unwrap();
        Registration {
            from_host: if same_host { realm.clone() } else { from_host },
            expires: times.0,
            last_registration: UnixSeconds(u64::from(times.1)),
            initial_registration: UnixSeconds(u64::from(times.2)),
            proxy: Proxy { path, ip, port, protocol },
            source: Source { ip: source_ip, port: source_port },
            network: Source { ip: network_ip, port: network_port },
            account: AccountData {
                id: id.map(|id| AccountId::parse(&id).unwrap()),
                realm: account_realm,
                name,
                authorizing_id,
                authorizing_type,
                owner_id,
                presence_id,
            },
            suppress_unregister_notify: flags.0,
            register_overwrite_notify: flags.1,
            zone: Zone::new("z"),
            username, realm, contact, original_contact: original, previous_contact, call_id,
            user_agent, from_user, to_user, to_host, registrar_node, registrar_hostname,
        }
    }
}

fn entry(registration: &Registration) -> EntryRef {
    let world = World::new();
    let account = crate::cache::AccountFields::of(registration);
    let account = world.cache.intern_account(account);
    let proxy = crate::cache::ProxyFields::of(registration);
    let proxy = world.cache.intern_proxy(proxy);
    EntryRef::new(Arc::new(Entry::new(registration, account, proxy, 0)))
}

proptest! {
    #[test]
    fn what_is_stored_comes_back(registration in registration()) {
        let stored = entry(&registration);
        prop_assert_eq!(stored.registration(), registration.clone());
        prop_assert_eq!(stored.aor(), registration.aor());
    }

    #[test]
    fn digests_are_equal_where_all_but_the_last_refresh_is(
        one in registration(), other in registration(), changed in 0..6_u8,
    ) {
        let mut same = one.clone();
        match changed {
            0 => same.expires = same.expires.wrapping_add(1),
            1 => same.zone = Zone::new("elsewhere"),
            2 => same.account.name = Some("Another name".into()),
            3 => same.call_id = None,
            4 => same.last_registration = UnixSeconds(1),
            _ => same = other,
        }
        let timeless = |registration: &Registration| Registration {
            last_registration: UnixSeconds(0),
            ..registration.clone()
        };
        let are_equal = timeless(&one) == timeless(&same);
        prop_assert_eq!(entry(&one).digest() == entry(&same).digest(), are_equal);
    }
}
