//! What is taken, and what is refused and how.

use std::io::Write as _;

use super::*;

/// What the defaults do not do without.
pub(super) const TOKENS: (&str, &str) = ("ROLLCALL_AUTH__TOKENS_FILE", "/etc/rollcall/tokens.toml");
/// A name that does not depend on the host that runs the tests.
const NODE: (&str, &str) = ("ROLLCALL_AMQP__NODE", "rollcall@test");

/// Loads a file of this text.
pub(super) fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(toml.as_bytes()).unwrap();
    let node = (!toml.contains("node = ")).then_some(NODE);
    let environment = node
        .iter()
        .chain(environment)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Config::load(Some(file.path()), environment)
}

/// What is said of a file of this text.
pub(super) fn refused(toml: &str, environment: &[(&str, &str)]) -> String {
    load(toml, environment).unwrap_err().to_string()
}

#[test]
fn defaults_need_only_a_tokens_file() {
    let config = load("", &[TOKENS]).unwrap();
    assert_eq!(
        (config.http.port, config.cache.policy.expires_deviation),
        (8000, 180)
    );
    assert_eq!(config.zones.len(), 1);
    assert!(refused("", &[]).contains("auth.tokens_file"));
}

#[test]
fn the_environment_goes_before_the_file() {
    let toml =
        "[http]\nport = 1\nworkers = 3\n[zones.east]\nuris = [\"amqp://a\", \"amqps://b\"]\n";
    let environment = [
        TOKENS,
        ("ROLLCALL_HTTP__PORT", "2"),
        ("ROLLCALL_AUTH__ECHO_TOKEN", "false"),
        ("ROLLCALL_ZONES__WEST__URIS", "amqp://c, amqp://d"),
        ("OTHER", "x"),
        ("ROLLCALL_CONFIG", "x"),
        ("ROLLCALL_TOKEN", "x"),
        ("ROLLCALL_LAB_BROKER", "x"),
    ];
    let config = load(toml, &environment).unwrap();
    assert_eq!((config.http.port, config.http.server.workers), (2, 3));
    assert!(!config.auth.echo_token);
    let zones: Vec<_> = config
        .zones
        .iter()
        .map(|zone| (zone.zone.as_str(), zone.uris.len()))
        .collect();
    assert_eq!(zones, [("east", 2), ("west", 2)]);
}

#[test]
fn all_problems_are_told_at_once_with_key_value_and_range() {
    let toml = "[http]\nport = 70000\nbind = \"nowhere\"\nprot = 1\nworkers = \"4\"\n[log]\nlevel = \"loud=very\"\n\
                [amqp]\nreconnect_min = 500\nreconnect_max = 400\nprefetch = -1\nqueue_expires = 9\n[htpp]\n[cache]\n";
    let environment = [
        TOKENS,
        ("ROLLCALL_CACHE__EXPIRES_DEVIATION", "soon"),
        ("ROLLCALL_HTTP__KEEP_ALIVES", "1"),
        ("ROLLCALL_HTTP_PORT", "1"),
        ("ROLLCALL_CONFIGURATION", "x"),
        ("ROLLCALL_AUTH__ECHO_TOKEN", "yes"),
    ];
    let said = refused(toml, &environment);
    for part in [
        "http.port = 70000 (from the configuration file): takes a whole number from 0 to 65535",
        "http.bind = \"nowhere\" (from the configuration file): takes an IP address",
        "http.prot (from the configuration file): there is no such setting; did you mean http.port?",
        "http.workers = \"4\" (from the configuration file): takes a whole number of threads from 1 to 256",
        "log.level = \"loud=very\"",
        "amqp.reconnect_max = 400 is less than amqp.reconnect_min = 500",
        "amqp.prefetch = -1 (from the configuration file): takes a whole number of messages from 1 to 65535",
        "amqp.queue_expires = 9 (from the configuration file): takes a whole number of seconds from 10 to 86400",
        "htpp (from the configuration file): there is no such setting; did you mean http?",
        "cache.expires_deviation = \"soon\" (from ROLLCALL_CACHE__EXPIRES_DEVIATION): takes a whole number of seconds from 0 to 86400",
        "http.keep_alives (from ROLLCALL_HTTP__KEEP_ALIVES): there is no such setting; did you mean http.keep_alive?",
        "http_port (from ROLLCALL_HTTP_PORT): there is no such setting; did you mean http.port?",
        "configuration (from ROLLCALL_CONFIGURATION): there is no such setting\n",
        "auth.echo_token = \"yes\" (from ROLLCALL_AUTH__ECHO_TOKEN): takes true or false",
    ] {
        assert!(
            format!("{said}\n").contains(part),
            "{part:?} is not in {said}"
        );
    }
    assert_eq!(said.lines().count(), 15, "nothing else: {said}");
}

#[test]
fn divided_accounts_are_refused_with_what_to_do_instead() {
    let instead = "every node holds all of them: remove the section [cluster] and run several equal \
                   nodes behind a load balancer, see docs/how-to/capacity.md";
    let toml =
        "[cluster]\nmembers = [\"rollcall@a\", \"rollcall@b\"]\nreplicas = 2\ntimeout = 500\n";
    let said = refused(toml, &[TOKENS]);
    for key in ["members", "replicas", "timeout"] {
        let part = format!(
            "cluster.{key} (from the configuration file): accounts are no longer divided over nodes"
        );
        assert!(said.contains(&part), "{part:?} is not in {said}");
    }
    assert_eq!(said.matches(instead).count(), 3, "{said}");
    let variable = ("ROLLCALL_CLUSTER__REPLICAS", "1");
    for said in [
        refused("[cluster]", &[TOKENS]),
        refused("", &[TOKENS, variable]),
    ] {
        assert!(said.contains(instead), "{said}");
    }
}

#[test]
fn credentials_are_never_repeated() {
    let secret = "hunter2";
    let long = format!("amqp://{}:hunter2@h", "u".repeat(85));
    for (bad, says) in [
        (
            "[auth]\ncrossbar_url = \"http://u:hunter2@crossbar/\"".to_owned(),
            "auth.crossbar_url = \"http://…@crossbar/\" (from the configuration file): takes",
        ),
        (
            "[http]\nbind = \"amqp://u:hunter2@h:5672/v\"".to_owned(),
            "http.bind = \"amqp://…@h:5672/v\" (from",
        ),
        (
            format!("[http]\nbind = \"{long}\""),
            "http.bind = \"amqp://…@h\" (from",
        ),
        (
            "[auth]\nsuperduper_accounts = [\"amqp://a\", \"x\", \"amqps://u:hunter2/@2@h\"]"
                .to_owned(),
            "auth.superduper_accounts = ",
        ),
        (
            "[zones]\na = { uris = [\"amqp://h\"], \"amqp://u:hunter2@h\" = 1 }".to_owned(),
            "zones.a.amqp://…@h (from the configuration file): there is no such setting",
        ),
        (
            "[zones.\"amqp://u:hunter2@h\"]\nuris = [\"amqp://h\"]".to_owned(),
            "zones.amqp://…@h: a zone's name takes",
        ),
    ] {
        let said = refused(&bad, &[TOKENS]);
        assert!(said.contains(says), "{says:?} is not in {said}");
        assert!(!said.contains(secret), "{said}");
    }
    let variable = ("ROLLCALL_HTTP__BIND", "amqp://u:hunter2@h");
    let said = refused("", &[TOKENS, variable]);
    assert!(!said.contains(secret), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Some(Path::new("/nowhere/rollcall.toml")), [])
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nowhere/rollcall.toml"), "{error}");
}
