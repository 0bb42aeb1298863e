//! `rollcall-bench`: measures, and prints a table.

use std::process::ExitCode;

use bench::{
    options::Options,
    process::machine,
    report::{Row, table},
};
use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if let Some(child) = options.child {
        child.run()?;
        return Ok(ExitCode::SUCCESS);
    }
    let (plan, groups) = (options.plan()?, options.groups()?);
    let mut rows: Vec<Row> = Vec::new();
    for (name, measure) in groups {
        eprint(&format!("{name} …"));
        rows.extend(measure(&plan)?);
    }
    if options.quick {
        rows.iter_mut().for_each(Row::unbind);
    }
    print(&format!("{}, {} runs\n", machine(), plan.runs));
    print(&table(&rows));
    let holds = rows.iter().all(|row| row.holds() != Some(false));
    Ok(if options.check && !holds {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
fn print(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "how far it is")]
fn eprint(text: &str) {
    eprintln!("{text}");
}
