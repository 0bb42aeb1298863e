//! A short trial with the programs of this build: `scripts/test` builds rollcall first.

use std::path::Path;

use chaos::{options::Options, trial};

/// Forty seconds, six faults. The exchange is lost in the long form only: it takes longer to notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_table_equals_the_truth_after_a_few_faults() {
    let rollcall = Path::new(env!("CARGO_BIN_EXE_rollcall-chaos")).with_file_name("rollcall");
    assert!(
        rollcall.exists(),
        "{} is not there: run this test with scripts/test",
        rollcall.display()
    );
    let only = [
        "BrokerKill",
        "ConnectionsClosed",
        "TcpReset",
        "QueueDeleted",
        "RollcallKill",
        "SnapshotCorrupt",
    ];
    let options = Options {
        seconds: 40,
        faults: 6,
        seed: Some(1),
        phones: 200,
        rate: 20,
        only: only.map(str::to_owned).into(),
        kamailio: false,
        rollcall: Some(rollcall),
        logs: None,
    };
    let verdict = trial::run(&options).await.unwrap();
    assert!(
        verdict.is_good(),
        "missing, stale, extra: {:?}; see above for what happened to them",
        verdict.counts()
    );
}
