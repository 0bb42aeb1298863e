//! How many instructions the hot paths take, against what is committed.
//!
//! Callgrind counts them, so that the figure is the same on a busy machine. Each case is counted in
//! a process of its own, twice: hash seeds differ from process to process, and the smaller counts.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use crate::cases::{NAMES, case, counted_batch, operations};
use anyhow::{Context as _, ensure};

/// By how much a count may grow before it is a regression.
const MARGIN: f64 = 1.05;
/// Times that a case is counted.
const TIMES: usize = 2;

type Counts = BTreeMap<String, u64>;

/// Counts and compares, or with `update` makes what is counted the baseline.
pub fn run(baseline: &Path, update: bool) -> anyhow::Result<bool> {
    let counted = count_all()?;
    if update {
        fs::write(baseline, written(&counted))?;
        say(&written(&counted));
        return Ok(true);
    }
    Ok(compare(&read(baseline)?, &counted))
}

/// What callgrind looks at: one batch, when the caches and lazy parts are as they will stay.
pub fn child(name: &str) -> anyhow::Result<()> {
    let mut prepare = case(name)?;
    for _ in 0..2 {
        let warm = prepare();
        warm();
    }
    counted_batch(prepare());
    Ok(())
}

fn count_all() -> anyhow::Result<Counts> {
    let folder = tempfile::tempdir()?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut counts = Counts::new();
    for names in NAMES.chunks(threads) {
        let counted: Vec<_> = thread::scope(|scope| {
            let each = names.iter().map(|name| {
                let folder = folder.path();
                (name, scope.spawn(move || least(name, folder)))
            });
            let each: Vec<_> = each.collect();
            each.into_iter()
                .map(|(name, counting)| (name, counting.join()))
                .collect()
        });
        for (name, count) in counted {
            let count = count.map_err(|_| anyhow::anyhow!("counting {name} panicked"))??;
            counts.insert((*name).to_owned(), count);
        }
    }
    Ok(counts)
}

fn least(name: &str, folder: &Path) -> anyhow::Result<u64> {
    let mut counts = Vec::new();
    for time in 0..TIMES {
        counts.push(count(name, &folder.join(format!("{name} {time}")))?);
    }
    counts.into_iter().min().context("nothing was counted")
}

/// Instructions of an operation of a case.
fn count(name: &str, out: &Path) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .args(["--collect-atstart=no", "--toggle-collect=*counted_batch*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--case", name])
        .stdin(Stdio::null())
        .output()
        .context("cannot run valgrind; scripts/packages installs it")?;
    ensure!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let counted = fs::read_to_string(out)?;
    let line = counted.lines().find_map(|line| {
        line.strip_prefix("summary: ")
            .or(line.strip_prefix("totals: "))
    });
    let all: u64 = line.context("callgrind counted nothing")?.trim().parse()?;
    ensure!(all > 0, "{name}: callgrind has not seen the batch");
    Ok(all / u64::from(operations(name)))
}

fn written(counts: &Counts) -> String {
    let head = "# Instructions an operation, as scripts/instructions --update has counted them.\n";
    counts
        .iter()
        .fold(head.to_owned(), |mut text, (name, count)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{count:>9} {name}");
            text
        })
}

fn read(path: &Path) -> anyhow::Result<Counts> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the baseline {}", path.display()))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (count, name) = line.trim().split_once(' ').context(line.to_owned())?;
            Ok((name.to_owned(), count.parse()?))
        })
        .collect()
}

/// Says how the counts stand; whether none has grown by more than the margin.
fn compare(baseline: &Counts, counted: &Counts) -> bool {
    let mut good = true;
    for (name, now) in counted {
        let Some(before) = baseline.get(name) else {
            say(&format!("{now:>9} {name}: not in the baseline"));
            good = false;
            continue;
        };
        let ratio = *now as f64 / *before as f64;
        let verdict = if ratio > MARGIN {
            good = false;
            "MORE THAN 5 % WORSE"
        } else if ratio < 1.0 / MARGIN {
            "better: scripts/instructions --update keeps it so"
        } else {
            ""
        };
        let grown = (ratio - 1.0) * 100.0;
        let line = format!("{now:>9} {name:<15} {grown:+.1} % {verdict}");
        say(line.trim_end());
    }
    if !good {
        say("if it is worth it, scripts/instructions --update makes this the baseline");
    }
    good
}

#[expect(clippy::print_stdout, reason = "for who has called it")]
fn say(text: &str) {
    println!("{text}");
}
