//! `rollcall-bench`: all that is measured, as a table and as JSON.

use std::process::ExitCode;

use bench::{
    broker, expiry, flush, http, ingest, memory,
    options::{Options, Plan},
    process::machine,
    report::{Report, Row},
    snapshot,
};
use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let (plan, groups) = (options.plan()?, options.groups()?);
    if let Some(child) = options.child {
        child.run()?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report {
        machine: machine(),
        command: std::env::args()
            .skip(1)
            .fold("scripts/bench".into(), |all, argument| {
                format!("{all} {argument}")
            }),
        runs: plan.runs,
        quick: options.quick,
        rows: Vec::new(),
    };
    for group in groups {
        say(&format!("{group} …"));
        report.rows.extend(rows(group, &plan)?);
        // After each group: what has been measured is there, whatever happens to the next.
        report.write(&options.out)?;
    }
    say(&report.markdown());
    say(&format!(
        "written to {}/results.md and .json",
        options.out.display()
    ));
    let counts = options.check && !options.quick;
    Ok(if counts && !report.holds() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn rows(group: &str, plan: &Plan) -> anyhow::Result<Vec<Row>> {
    match group {
        "ingest" => ingest::rows(plan),
        "memory" => memory::rows(plan),
        "flush" => flush::rows(plan),
        "expiry" => expiry::rows(plan),
        "snapshot" => snapshot::rows(plan),
        "start" => snapshot::start_rows(plan),
        "http" => http::rows(plan),
        "broker" => broker::rows(plan),
        _ => anyhow::bail!("no group {group:?}"),
    }
}

#[expect(clippy::print_stdout, reason = "for who has called it")]
fn say(text: &str) {
    println!("{text}");
}
