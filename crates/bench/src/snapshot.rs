//! The snapshot: written, read, and how long a start takes with it.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use lab::{broker::Broker, rollcall::Rollcall};

use crate::{
    adapter::{Node, scope},
    ingest::Filled,
    options::Plan,
    pauses::{Wander, while_reading},
    report::{Bound, Row, figure},
};

/// All rows of writing and reading.
pub fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let [.., large] = plan.sizes;
    let table = Filled::new(large, 20)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("snapshot");
    let row = |what: &str, measured: &str, baseline: &str| {
        Row::new(&format!("snapshot/{large}/{what}"), "s", measured, baseline)
            .held_to(Bound::AtMost(2.0))
    };
    let mut written = row("write", "written", "the same bytes written and synced");
    let mut loaded = row("load", "taken in", "the file read");
    let mut wall = pause(large, "longest read meanwhile").held_to(Bound::AtMost(5.0));
    let mut running = pause(large, "longest read meanwhile, scheduler's delays left out");
    for _ in 0..plan.runs {
        let (seen, save) = reading(&table, || seconds(|| table.node.save(&file)))?;
        let bytes = fs::read(&file)?;
        let copying = seconds(|| write_and_sync(&folder.path().join("copy"), &bytes));
        written.push(save, copying);
        let (calm, ()) = reading(&table, || std::thread::sleep(Duration::from_secs_f64(save)))?;
        wall.push(seen.longest, calm.longest);
        running.push(seen.longest_running, calm.longest_running);
        written.note = format!("the file has {} bytes", figure(bytes.len() as f64));
        drop(bytes);

        let node = Node::new()?;
        let load = seconds(|| node.restore(&file));
        ensure!(node.len() == large as usize, "not all were restored");
        loaded.push(load, seconds(|| fs::read(&file).map(drop)));
    }
    Ok(vec![written, wall, running, loaded])
}

fn pause(large: u32, what: &str) -> Row {
    let name = format!("snapshot/{large}/{what}");
    Row::new(&name, "ms", "while it is written", "while nothing is")
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Instant::now();
    drop(work());
    begun.elapsed().as_secs_f64()
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn reading<T>(
    table: &Filled,
    work: impl FnOnce() -> T,
) -> anyhow::Result<(crate::pauses::Pauses, T)> {
    let accounts = table.fleet.accounts;
    let scopes: Vec<_> = (0..accounts.min(5000))
        .map(scope)
        .collect::<anyhow::Result<_>>()?;
    let wander = Wander::default();
    let read = || {
        if let Some(scope) = scopes.get(wander.next(scopes.len() as u32) as usize) {
            std::hint::black_box(table.node.list(scope));
        }
    };
    Ok(while_reading(read, work))
}

/// The rows of a start of the whole program.
pub fn start_rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let [.., large] = plan.sizes;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("snapshot");
    Filled::new(large, 20)?.node.save(&file);
    let name = format!("start/{large}");
    let mut row = Row::new(&name, "s", "from exec to ready", "without a snapshot");
    row.note = "there is nobody to ask what was missed: recovery is off".into();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let broker = Broker::start().await?;
        for _ in 0..plan.runs {
            let with = start(plan, &broker, &file, large as usize).await?;
            let without = start(plan, &broker, &folder.path().join("none"), 0).await?;
            row.push(with, without);
        }
        anyhow::Ok(vec![row])
    })
}

async fn start(plan: &Plan, broker: &Broker, file: &Path, wanted: usize) -> anyhow::Result<f64> {
    let copy = file.with_extension("copy");
    if wanted > 0 {
        // It is written anew at the end.
        fs::copy(file, &copy)?;
    }
    let copy = copy.display().to_string();
    let settings = [
        ("SNAPSHOT__FILE", copy.as_str()),
        ("RECOVERY__SYNC", "false"),
        ("RECOVERY__PEERS", "false"),
        ("RECONCILE__INTERVAL", "0"),
    ];
    let begun = Instant::now();
    let rollcall = Rollcall::start(&plan.rollcall, broker.vhost("/").uri(), &settings).await?;
    rollcall.ready().await?;
    let took = begun.elapsed().as_secs_f64();
    let (_, count) = rollcall.call("GET", "/v2/registrations/count").await?;
    let count = count.pointer("/data/count").cloned().unwrap_or_default();
    ensure!(count == wanted, "{count} registrations after the start");
    let _ = fs::remove_file(&copy);
    Ok(took)
}
