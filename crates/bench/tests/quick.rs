//! The short form of what is measured in process: that it still works, not how fast.

use std::{fs, process::Command};

#[test]
fn every_row_gets_figures() {
    let folder = tempfile::tempdir().unwrap();
    let groups = ["ingest", "memory", "flush", "snapshot"];
    let status = Command::new(env!("CARGO_BIN_EXE_rollcall-bench"))
        .args(["--quick", "--only", &groups.join(","), "--out"])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let json = fs::read(folder.path().join("results.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let rows = report["rows"].as_array().unwrap();
    for group in groups {
        let of = |row: &&serde_json::Value| row["name"].as_str().unwrap().starts_with(group);
        assert!(rows.iter().any(|row| of(&row)), "{group}");
    }
    for row in rows {
        for side in ["measured", "baseline"] {
            let runs = row[side]["runs"].as_array().unwrap();
            assert!(!runs.is_empty(), "{row}");
            assert!(runs.iter().all(serde_json::Value::is_number), "{row}");
        }
    }
    let table = fs::read_to_string(folder.path().join("results.md")).unwrap();
    assert_eq!(
        table.lines().filter(|line| line.contains(" | ")).count(),
        rows.len() + 2
    );
}
