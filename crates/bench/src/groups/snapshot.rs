//! The snapshot: written while others read, and loaded.

use std::{path::Path, time::Instant};

use anyhow::ensure;

use crate::{
    adapter::{Node, insert_ready},
    fixture::{pauses::while_calling, table::Table},
    plan::Plan,
    report::{Row, figure, median},
};

pub(super) fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let table = Table::new(plan.large, 20)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("snapshot");
    let row = |what: &str, unit| Row::new(&format!("snapshot/{}/{what}", plan.large), unit);
    let mut written = row("write", "s").at_most(2.0);
    let mut reads = row("longest list or count meanwhile", "ms").at_most(5.0);
    let mut loaded = row("load / insert the same", "×").at_most(1.3);
    let (mut running, mut loads) = (Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        let mut read = table.reader()?;
        let ([read], took) = while_calling([&mut read], || save(&table.node, &file));
        written.push(took);
        reads.push(read.all);
        running.push(read.running);
        let load = load(&table, &file)?;
        loaded.push(load / insert_ready(&file)?);
        loads.push(load);
    }
    written.note = format!("{} bytes", std::fs::metadata(&file)?.len());
    reads.note = format!(
        "{} ms without the time for which the reader waited for a processor",
        figure(median(&running))
    );
    loaded.note = format!("loaded in {} s", figure(median(&loads)));
    Ok(vec![written, reads, loaded])
}

fn save(node: &Node, file: &Path) -> f64 {
    let begun = Instant::now();
    node.save(file);
    begun.elapsed().as_secs_f64()
}

fn load(table: &Table, file: &Path) -> anyhow::Result<f64> {
    let node = Node::new()?;
    let begun = Instant::now();
    node.restore(file);
    let took = begun.elapsed().as_secs_f64();
    ensure!(node.len() == table.node.len(), "not all were restored");
    Ok(took)
}
