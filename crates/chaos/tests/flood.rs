//! A short flood with the programs of this build: `scripts/test` builds rollcall first.

use std::path::Path;

use chaos::flood::{self, options::Options};

/// Some thousands of each. What became of memory only a long one can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn garbage_stops_nothing_and_good_events_hold() {
    let rollcall = Path::new(env!("CARGO_BIN_EXE_rollcall-chaos")).with_file_name("rollcall");
    assert!(
        rollcall.exists(),
        "{} is not there: run this test with scripts/test",
        rollcall.display()
    );
    let options = Options {
        bodies: 5_000,
        requests: 1_200,
        seed: Some(1),
        phones: 600,
        warm_up: 0,
        clients: 4,
        fixtures: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures"),
        rollcall: Some(rollcall),
    };
    let verdict = flood::run(&options).await.unwrap();
    assert!(verdict.is_good(), "{verdict:?}");
    // Both ways in were really tried: garbage was refused, and what was good was taken.
    assert!(
        verdict.end.count("rejected/not_json") > 100,
        "{}",
        verdict.end.outcomes()
    );
    assert!(
        verdict.end.count("stored/registered") > 600,
        "{}",
        verdict.end.outcomes()
    );
    for status in [200, 400, 401, 404, 405] {
        assert!(verdict.counts.statuses.contains_key(&status), "no {status}");
    }
}
