//! The short form of the groups in process and over HTTP: that they still work, not how fast.

use std::process::Command;

#[test]
fn every_row_gets_figures() {
    let groups = ["ingest", "memory", "flush", "snapshot", "http"];
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall-bench"))
        .args(["--quick", "--only", &groups.join(",")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    for group in groups {
        let of = |line: &&str| line.starts_with(&format!("| {group}/"));
        assert!(said.lines().any(|line| of(&line)), "no {group}: {said}");
    }
    assert!(!said.contains("NaN"), "{said}");
}
