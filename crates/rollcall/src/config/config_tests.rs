//! What is taken, what is refused and how, and that the documents say the same.

use std::{collections::HashSet, io::Write as _};

use super::*;

fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(toml.as_bytes()).unwrap();
    let environment = environment
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Config::load(Some(file.path()), environment)
}

fn refused(toml: &str, environment: &[(&str, &str)]) -> String {
    load(toml, environment).unwrap_err().to_string()
}

const TOKENS: (&str, &str) = ("ROLLCALL_AUTH__TOKENS_FILE", "/etc/rollcall/tokens.toml");

#[test]
fn defaults_need_only_a_tokens_file() {
    let config = load("", &[TOKENS]).unwrap();
    assert_eq!(
        (config.http.port, config.cache.expires_deviation),
        (8000, 180)
    );
    assert_eq!(config.zones.len(), 1);
    assert!(config.amqp.node.starts_with("rollcall@"));
    assert!(refused("", &[]).contains("auth.tokens_file"));
}

#[test]
fn the_environment_goes_before_the_file() {
    let toml =
        "[http]\nport = 1\nworkers = 3\n[zones.east]\nuris = [\"amqp://a\", \"amqps://b\"]\n";
    let environment = [
        TOKENS,
        ("ROLLCALL_HTTP__PORT", "2"),
        ("ROLLCALL_ZONES__WEST__URIS", "amqp://c, amqp://d"),
        ("OTHER", "x"),
        ("ROLLCALL_CONFIG", "x"),
        ("ROLLCALL_LAB_BROKER", "x"),
    ];
    let config = load(toml, &environment).unwrap();
    assert_eq!((config.http.port, config.http.workers), (2, 3));
    let zones: Vec<_> = config
        .zones
        .iter()
        .map(|zone| (zone.name.as_str(), zone.uris.len()))
        .collect();
    assert_eq!(zones, [("east", 2), ("west", 2)]);
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_key_value_and_what_it_takes() {
    let toml = "[http]\nport = 70000\nbind = \"nowhere\"\nprot = 1\n[log]\nlevel = \"loud=very\"\n[amqp]\nreconnect_min = 500\nreconnect_max = 400\n";
    let said = refused(
        toml,
        &[
            TOKENS,
            ("ROLLCALL_CACHE__EXPIRES_DEVIATION", "soon"),
            ("ROLLCALL_HTPT__PORT", "1"),
        ],
    );
    for part in [
        "http.port = 70000 (the configuration file): takes a whole number of a TCP port from 0 to 65535",
        "http.bind = \"nowhere\" (the configuration file): takes an IP address",
        "http.prot (the configuration file): there is no such setting; did you mean http.port?",
        "log.level = \"loud=very\"",
        "amqp.reconnect_max is less than amqp.reconnect_min",
        "cache.expires_deviation = \"soon\" (ROLLCALL_CACHE__EXPIRES_DEVIATION): takes a whole number of seconds from 0 to 86400",
        "htpt.port (ROLLCALL_HTPT__PORT): there is no such setting",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn no_auth_is_for_loopback_unless_said_twice() {
    let none = ("ROLLCALL_AUTH__MODE", "none");
    assert!(refused("", &[none]).contains("http.bind = \"127.0.0.1\""));
    assert!(load("[http]\nbind = \"::1\"", &[none]).is_ok());
    assert!(
        load(
            "",
            &[none, ("ROLLCALL_AUTH__ALLOW_NONE_BEYOND_LOOPBACK", "true")]
        )
        .is_ok()
    );
    assert!(refused("", &[("ROLLCALL_AUTH__MODE", "trust")]).contains("\"static\" or \"none\""));
}

#[test]
fn passwords_never_show() {
    let secret = "hunter2";
    let good = load("[zones.a]\nuris = [\"amqp://u:hunter2@h\"]", &[TOKENS]).unwrap();
    assert!(!format!("{good:?}").contains(secret));
    for bad in [
        "[zones.a]\nuris = [\"http://u:hunter2@h\"]",
        "[zones.a]\nuris = 5\nurl = \"amqp://u:hunter2@h\"",
        "[zones.a]\nuris = [\"amqp://u:hunter2@h\"",
        "[zones.a]\nuris = [7, \"amqp://u:hunter2@h\"]",
    ] {
        let said = refused(bad, &[TOKENS]);
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Some(Path::new("/nowhere/rollcall.toml")), [])
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nowhere/rollcall.toml"), "{error}");
}

/// Every key that is read.
fn known() -> Vec<String> {
    let zones = "[zones.NAME]\nuris = [\"amqp://a\"]".parse().unwrap();
    let mut reader = Reader::new(zones, []);
    let _ = Config::read(&mut reader);
    reader.finish().0
}

#[test]
fn the_reference_names_every_key_and_no_other() {
    let reference = include_str!("../../../../docs/configuration.md");
    let documented: HashSet<_> = reference
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .split_once('`')
                .map(|(key, _)| key.to_owned())
        })
        .filter(|key| key.contains('.'))
        .collect();
    assert_eq!(documented, known().into_iter().collect());
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let example = include_str!("../../../../rollcall.example.toml");
    let mut shown: toml::Table = example
        .lines()
        .map(|line| {
            // A default stands commented out as `#key = value`; prose as `# …`.
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .collect::<Vec<_>>()
        .join("\n")
        .parse()
        .unwrap();
    // These two have the machine's own value for a default.
    for (section, key) in [("http", "workers"), ("amqp", "node")] {
        let section = shown
            .get_mut(section)
            .and_then(toml::Value::as_table_mut)
            .unwrap();
        assert!(section.remove(key).is_some(), "{key}");
    }
    let keys: HashSet<String> = shown
        .iter()
        .flat_map(|(section, table)| {
            table
                .as_table()
                .unwrap()
                .keys()
                .map(move |key| format!("{section}.{key}"))
                .collect::<Vec<_>>()
        })
        .collect();
    for key in known().iter().filter(|key| {
        !key.starts_with("zones.") && !["http.workers", "amqp.node"].contains(&key.as_str())
    }) {
        assert!(keys.contains(key), "{key} is not in the example");
    }
    let mut as_shown = Reader::new(shown, []);
    let as_shown = format!("{:?}", Config::read(&mut as_shown));
    let defaults = load("", &[TOKENS])
        .map(|config| format!("{config:?}"))
        .unwrap();
    let without_paths = |text: String| text.replace("Some(\"/etc/rollcall/realms.toml\")", "None");
    assert_eq!(without_paths(as_shown), without_paths(defaults));
}
