//! `[zones.NAME]`: the brokers, by zone.

use amqp::{Access, IdentityFiles, TlsFiles, ZoneSettings};
use lapin::uri::AMQPUri;
use registration::Zone;

use super::reader::Reader;

const TAKES: &str = "a list of amqp:// or amqps:// URIs with a host, at least one";
const DEFAULT_NAME: &str = "local";
const DEFAULT_URI: &str = "amqp://guest:guest@127.0.0.1:5672";
const MAX_NAME_BYTES: usize = 32;

/// Reads every `[zones.NAME]`; a broker on this machine if there is none.
pub(super) fn read_all(r: &mut Reader) -> Vec<ZoneSettings> {
    let names = r.tables("zones");
    if names.is_empty() {
        let key = format!("zones.{DEFAULT_NAME}.uris");
        r.know(&key, TAKES, DEFAULT_URI);
        return vec![ZoneSettings {
            zone: Zone::new(DEFAULT_NAME),
            uris: vec![DEFAULT_URI.into()],
            access: Access::default(),
        }];
    }
    names.iter().map(|name| read(r, name)).collect()
}

fn read(r: &mut Reader, name: &str) -> ZoneSettings {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !(1..=MAX_NAME_BYTES).contains(&name.len()) || !name.bytes().all(is_name) {
        r.problem(&format!(
            "zones.{name}: a zone's name takes 1 to {MAX_NAME_BYTES} of A-Z a-z 0-9 - _"
        ));
    }
    let key = |key: &str| format!("zones.{name}.{key}");
    let uris = r.secrets(&key("uris"), TAKES, DEFAULT_URI, is_broker);
    let identity = r.paths(&key("tls_certificate"), &key("tls_key"));
    ZoneSettings {
        zone: Zone::new(name),
        uris,
        access: Access {
            tls: TlsFiles {
                identity: identity.map(|(certificate, key)| IdentityFiles { certificate, key }),
                authorities: r.path(&key("tls_ca")),
            },
            password_file: r.path(&key("password_file")),
        },
    }
}

/// Whether it is a URI of a broker that names its host.
fn is_broker(uri: &str) -> bool {
    // lapin's parser takes no host for localhost.
    let names_host = |uri: reqwest::Url| uri.host_str().is_some_and(|host| !host.is_empty());
    uri.parse::<AMQPUri>().is_ok() && uri.parse().is_ok_and(names_host)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{
        super::tests::{TOKENS, load, refused},
        *,
    };

    #[test]
    fn without_zones_the_default_is_read() {
        for nothing in ["", "[zones]"] {
            let zones = load(nothing, &[TOKENS]).unwrap().zones;
            let [zone] = zones.as_slice() else {
                panic!("{zones:?}")
            };
            assert_eq!(zone.zone.as_str(), "local");
            assert_eq!(zone.uris[0].expose_secret(), DEFAULT_URI);
        }
    }

    #[test]
    fn brokers_have_a_scheme_and_a_host() {
        for good in [
            "amqp://h",
            "amqp://h:5673/vhost",
            "amqps://u:p@h.example.com/%2f?heartbeat=5",
            "amqp://u:p@127.0.0.1:5672",
            "amqp://u:p@[2001:db8::1]:5672/v",
        ] {
            assert!(is_broker(good), "{good}");
        }
        for bad in [
            "",
            "h",
            "amqp:h",
            "amqp://",
            "amqp:///vhost",
            "amqp://u:p@",
            "amqp://u:p@:5672",
            "amqp://[]",
            "amqp://h:port",
            "amqp://h:70000",
            "amqp://h?heartbeat=often",
            "http://h",
        ] {
            assert!(!is_broker(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_placed_and_never_repeated() {
        let secret = "hunter2";
        for (bad, says) in [
            (
                "[zones.a]\nuris = [\"amqp://h\", \"http://u:hunter2@h\"]",
                "zones.a.uris (from the configuration file), number 2: takes",
            ),
            (
                "[zones.a]\nuris = \"amqp://u:hunter2@h\"",
                "zones.a.uris (from the configuration file): takes a list",
            ),
            (
                "[zones.a]\nuris = 5\nurl = \"amqp://u:hunter2@h\"",
                "zones.a.url (from the configuration file): there is no such setting; did you mean zones.a.uris?",
            ),
            (
                "[zones.a]\nuris = [7, \"amqp://u:hunter2@h\"]",
                "zones.a.uris",
            ),
            ("[zones.a]\nuris = []", "zones.a.uris"),
            ("[zones.a]", "zones.a.uris is missing"),
            ("[zones.a]\nuris = [\"amqp://u:hunter2@h\"", "at line 2"),
            ("[zones]\na = \"amqp://u:hunter2@h\"", "zones.a"),
            ("zones = [\"amqp://u:hunter2@h\"]", "zones"),
            (
                "[zones.\"a b\"]\nuris = [\"amqp://h\"]",
                "zones.a b: a zone's name",
            ),
        ] {
            let said = refused(bad, &[TOKENS]);
            assert!(said.contains(says), "{says:?} is not in {said}");
            assert!(!said.contains(secret), "{said}");
        }
        let variable = ("ROLLCALL_ZONES__A__URIS", "amqp://h,http://u:hunter2@h");
        let said = refused("", &[TOKENS, variable]);
        assert!(
            said.contains("(from ROLLCALL_ZONES__A__URIS), number 2"),
            "{said}"
        );
        assert!(!said.contains(secret), "{said}");
    }

    #[test]
    fn certificate_and_key_go_together() {
        let zone = |more: &str| format!("[zones.a]\nuris = [\"amqps://h\"]\n{more}");
        let both = zone("tls_ca = \"/a\"\ntls_certificate = \"/c\"\ntls_key = \"/k\"");
        let access = load(&both, &[TOKENS]).unwrap().zones.remove(0).access;
        assert!(access.tls.authorities.is_some() && access.tls.identity.is_some());
        for one in ["tls_certificate", "tls_key"] {
            let said = refused(&zone(&format!("{one} = \"/x\"")), &[TOKENS]);
            assert!(said.contains("zones.a.tls_key go together"), "{said}");
        }
    }

    #[test]
    fn passwords_do_not_show_in_debug() {
        let good = load("[zones.a]\nuris = [\"amqp://u:hunter2@h\"]", &[TOKENS]).unwrap();
        assert!(!format!("{good:?} {good:#?}").contains("hunter2"));
    }
}
