//! Starts that cannot work say why, and no secret shows.

use std::process::Command;

use crate::world::PROGRAM;

fn refused(environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").env_clear();
    for (key, value) in environment {
        command.env(format!("ROLLCALL_{key}"), value);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_wrong_is_said() {
    let loopback = ("HTTP__BIND", "127.0.0.1");
    let none = ("AUTH__MODE", "none");
    assert!(refused(&[]).contains("auth.tokens_file"));
    assert!(refused(&[("AUTH__TOKENS_FILE", "/nowhere")]).contains("/nowhere"));
    assert!(refused(&[loopback, none, ("HTTP__PROT", "1")]).contains("http.port"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(refused(&[loopback, none, ("HTTP__PORT", &port)]).contains(&port));
    for uri in [
        "amqp://u:hunter2@h:port",
        "http://u:hunter2@h",
        "amqp://u:hunter2@",
    ] {
        let said = refused(&[loopback, none, ("ZONES__A__URIS", uri)]);
        assert!(!said.contains("hunter2"), "{said}");
    }
}
