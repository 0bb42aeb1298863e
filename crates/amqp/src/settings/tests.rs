//! Tests of the settings.

use super::*;

fn read(uri: &str) -> Result<AMQPUri, SettingsError> {
    let zone = ZoneSettings {
        zone: Zone::new("a"),
        uris: vec![uri.into()],
        access: Access::default(),
    };
    zone.parse_uris(Duration::from_secs(10))
        .map(|mut uris| uris.remove(0))
}

#[test]
fn a_password_never_shows() {
    let settings = ZoneSettings {
        zone: Zone::new("a"),
        uris: vec!["amqp://u:hunter2@h".into()],
        access: Access::default(),
    };
    assert!(!format!("{settings:?}").contains("hunter2"));
    let uri = read("amqps://u:hunter2@h:5671/vh?heartbeat=3").unwrap();
    assert_eq!(redacted(&uri), "amqps://u:***@h:5671/vh");
    assert_eq!(uri.query.heartbeat, Some(3));
    for bad in [
        "http://u:hunter2@h",
        "u:hunter2@h",
        "amqp://u:hunter2@h:port",
        "",
    ] {
        let error = read(bad).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_heartbeat_goes_into_the_uri() {
    assert_eq!(read("amqp://localhost").unwrap().query.heartbeat, Some(10));
}

#[test]
fn a_queue_name_that_is_too_long_is_refused() {
    let settings = |node: String| Settings {
        node,
        prefetch: 1,
        heartbeat: Duration::ZERO,
        connect_timeout: Duration::ZERO,
        publish_timeout: Duration::ZERO,
        reconnect_min: Duration::ZERO,
        reconnect_max: Duration::ZERO,
        queue_expires: Duration::ZERO,
        queue_max_length: 1,
        answer_queries: true,
        elect_notifier: false,
    };
    assert_eq!(
        settings("rollcall@host".into()).queue().unwrap(),
        "rollcall-registrar-rollcall@host"
    );
    assert!(settings("x".repeat(62)).queue().is_err());
}

#[test]
fn an_ipv6_address_is_no_other_host() {
    for (uri, host, shown) in [
        (
            "amqp://u:p@[2001:db8::7]:5673/v",
            "2001:db8::7",
            "amqp://u:***@[2001:db8::7]:5673/v",
        ),
        ("amqps://[::1]", "::1", "amqps://guest:***@[::1]:5671//"),
        (
            "amqp://u:p@192.0.2.7/v",
            "192.0.2.7",
            "amqp://u:***@192.0.2.7:5672/v",
        ),
        ("amqp://u:p@h/v?x=@[::1]", "h", "amqp://u:***@h:5672/v"),
    ] {
        let uri = read(uri).unwrap();
        assert_eq!(uri.authority.host, host);
        assert_eq!(redacted(&uri), shown);
    }
}

#[test]
fn a_vhost_that_would_make_the_client_panic_is_refused() {
    assert!(read(&format!("amqp://h/{}", "v".repeat(255))).is_ok());
    assert!(read(&format!("amqp://h/{}", "v".repeat(256))).is_err());
}
