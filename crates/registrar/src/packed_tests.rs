//! Whatever is packed comes back; whatever else is read harms nobody.

use std::sync::Arc;

use proptest::prelude::*;
use registration::{AccountId, View, Zone};

use super::*;

fn text() -> impl Strategy<Value = Text> {
    let any = "\\PC{1,12}|[a-z]{240}|[a-z]{300}|[0-9a-f]{32}|[0-9A-F]{32}|<null>|[<>]{1,3}";
    any.prop_map(|text| Text::from(text.as_str()))
}

fn maybe() -> impl Strategy<Value = Option<Text>> {
    prop::option::of(text())
}

prop_compose! {
    pub(crate) fn registration()(
        username in text(), realm in "[a-zA-Z.]{1,12}", contact in text(), kind in 0..4_u8,
        previous in 0..3_u8, texts in prop::collection::vec(maybe(), 16), port: Option<u16>,
        id in prop::option::of("[0-9a-f]{32}"), flags: (bool, bool), times: (u32, u32, u32),
        implied in 0..4_u8,
    ) -> Registration {
        let realm = Text::from(realm.as_str());
        let [call_id, user_agent, from_user, to_user, host, name, own, kind_of, device, owner, presence, node, hostname, ip, source_ip, source_port] =
            texts.try_into().unwrap();
        let original: Text = match kind {
            0 => contact,
            1 => format!("<sip:{username}@192.0.2.1:5070;transport=udp>").into(),
            2 => format!("<sip:{username}@[2001:db8::1]>;expires=60").into(),
            _ => format!("sip:{username}@192.0.2.1").into(),
        };
        let contact: Text = strip_brackets(&original).into();
        let as_contact = ContactAddress::parse(&original);
        let source = match (implied, as_contact) {
            (0, Some(address)) => Source {
                ip: Some(address.host.into()),
                port: Some(address.port.to_string().into()),
            },
            _ => Source { ip: source_ip, port: source_port },
        };
        Registration {
            previous_contact: match previous {
                0 => None,
                1 => Some(contact.clone()),
                _ => Some("sip:other@192.0.2.9".into()),
            },
            from_user: if implied == 1 { Some(username.clone()) } else { from_user },
            to_user,
            from_host: realm.clone(),
            to_host: host.unwrap_or_else(|| realm.clone()),
            expires: times.0,
            last_registration: UnixSeconds(u64::from(times.1)),
            initial_registration: UnixSeconds(u64::from(times.2)),
            proxy: Proxy { path: ip.clone(), ip, port, protocol: None },
            network: source.clone(),
            source,
            account: AccountData {
                id: id.map(|id| AccountId::parse(&id).unwrap()),
                realm: own,
                name,
                authorizing_id: device,
                authorizing_type: kind_of,
                owner_id: owner,
                presence_id: if implied == 2 {
                    Some(format!("{username}@{realm}").into())
                } else {
                    presence
                },
            },
            suppress_unregister_notify: flags.0,
            register_overwrite_notify: flags.1,
            registrar_node: node,
            registrar_hostname: hostname,
            zone: Zone::new("z"),
            username, realm, contact, original_contact: original, call_id, user_agent,
        }
    }
}

fn owned(view: &View<'_>) -> Registration {
    let text = |text: &Cow<'_, str>| Text::from(&**text);
    let maybe = |maybe: &Option<Cow<'_, str>>| maybe.as_ref().map(text);
    let source = |source: &Source<Cow<'_, str>>| Source {
        ip: maybe(&source.ip),
        port: maybe(&source.port),
    };
    Registration {
        username: text(&view.username),
        realm: text(&view.realm),
        contact: text(&view.contact),
        original_contact: text(&view.original_contact),
        previous_contact: maybe(&view.previous_contact),
        call_id: maybe(&view.call_id),
        user_agent: maybe(&view.user_agent),
        from_user: maybe(&view.from_user),
        from_host: text(&view.from_host),
        to_user: maybe(&view.to_user),
        to_host: text(&view.to_host),
        expires: view.expires,
        last_registration: view.last_registration,
        initial_registration: view.initial_registration,
        proxy: Proxy {
            path: maybe(&view.proxy.path),
            ip: maybe(&view.proxy.ip),
            port: view.proxy.port,
            protocol: maybe(&view.proxy.protocol),
        },
        source: source(&view.source),
        network: source(&view.network),
        account: AccountData {
            id: view.account.id,
            realm: maybe(&view.account.realm),
            name: maybe(&view.account.name),
            authorizing_id: maybe(&view.account.authorizing_id),
            authorizing_type: maybe(&view.account.authorizing_type),
            owner_id: maybe(&view.account.owner_id),
            presence_id: maybe(&view.account.presence_id),
        },
        suppress_unregister_notify: view.suppress_unregister_notify,
        register_overwrite_notify: view.register_overwrite_notify,
        registrar_node: maybe(&view.registrar_node),
        registrar_hostname: maybe(&view.registrar_hostname),
        zone: view.zone.clone(),
    }
}

fn shared_again(registration: &Registration) -> (Owner, Gear) {
    let (mut owner, mut gear) = (Vec::new(), Vec::new());
    Owner::of(registration).write(&mut owner);
    Gear::of(registration).write(&mut gear);
    let (mut owner, mut gear) = (Reader::new(&owner), Reader::new(&gear));
    let shared = (Owner::read(&mut owner), Gear::read(&mut gear));
    assert!(!owner.is_broken && !gear.is_broken && owner.left.is_empty() && gear.left.is_empty());
    shared
}

proptest! {
    #[test]
    fn what_is_packed_comes_back(registration in registration()) {
        let mut bytes = Vec::new();
        write(&registration, &mut bytes);
        prop_assert_eq!(has_device(&bytes), registration.account.authorizing_id.is_some());
        let length = bytes.len();
        bytes.extend_from_slice(b"more");
        let (owner, gear) = shared_again(&registration);
        prop_assert_eq!(&owner, &Owner::of(&registration));
        let times = Times::of(&registration);
        prop_assert_eq!(&read::<Text>(&bytes, &owner, &gear, times), &registration);
        // Only looked at, it is the same.
        let view: View<'_> = read(&bytes, &owner, &gear, times);
        let mut again = Vec::new();
        write(&owned(&view), &mut again);
        prop_assert_eq!(&again, &bytes[..length]);
        prop_assert_eq!(owned(&view), registration.clone());
        let mut rest = Reader::new(&bytes);
        rest.skip_registration();
        prop_assert!(!rest.is_broken);
        prop_assert_eq!(rest.left, b"more");
        prop_assert_eq!(&*username(&bytes), &*registration.username);
        // Cut anywhere, it is seen to be.
        for cut in 0..length {
            let mut rest = Reader::new(&bytes[..cut]);
            rest.skip_registration();
            prop_assert!(rest.is_broken, "cut at {}", cut);
        }
    }

    #[test]
    fn other_bytes_are_read_as_something(bytes: Vec<u8>) {
        let (owner, gear) = (Arc::new(Owner::nobodys("r")), Arc::new(Gear::default()));
        let times = Times { initial: 0, last: 0, expires: 0 };
        let _ = read::<Text>(&bytes, &owner, &gear, times);
        let _: View<'_> = read(&bytes, &owner, &gear, times);
        let _ = Owner::read(&mut Reader::new(&bytes));
        let _ = Gear::read(&mut Reader::new(&bytes));
        let _ = username(&bytes);
    }
}

/// The event of the fixtures takes a fraction of its JSON.
#[test]
fn what_is_said_twice_takes_no_room() {
    let username: Text = "user_pqrs".into();
    let contact = "sip:user_pqrs@192.0.2.44:59233;transport=udp";
    let mut bytes = Vec::new();
    text_of(&username, contact, &mut bytes);
    assert!(bytes.len() < 60, "{}", bytes.len());
}

fn text_of(username: &Text, contact: &str, out: &mut Vec<u8>) {
    let registration = Registration {
        username: username.clone(),
        realm: "r".into(),
        contact: contact.into(),
        original_contact: format!("<{contact}>").into(),
        previous_contact: Some(contact.into()),
        call_id: None,
        user_agent: None,
        from_user: Some(username.clone()),
        from_host: "r".into(),
        to_user: Some(username.clone()),
        to_host: "r".into(),
        expires: 0,
        last_registration: UnixSeconds(0),
        initial_registration: UnixSeconds(0),
        proxy: Proxy::default(),
        source: Source {
            ip: Some("192.0.2.44".into()),
            port: Some("59233".into()),
        },
        network: Source::default(),
        account: AccountData {
            presence_id: Some(format!("{username}@r").into()),
            ..AccountData::default()
        },
        suppress_unregister_notify: true,
        register_overwrite_notify: false,
        registrar_node: None,
        registrar_hostname: None,
        zone: Zone::new("z"),
    };
    write(&registration, out);
}
