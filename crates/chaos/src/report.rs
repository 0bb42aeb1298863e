//! What is told in the end.

#![expect(clippy::print_stdout, reason = "it talks to the person who started it")]

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use lab::rollcall::binding;
use serde_json::Value;

use crate::{
    fault::Kind,
    flushes::Tally,
    judge::{Difference, Settled},
    watch::Answers,
};

/// How one fault went.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// What it was.
    pub kind: Kind,
    /// From when it was mended until `/readyz` was 200 for good; nothing if the next fault came
    /// first.
    pub ready: Option<Duration>,
}

/// The outcome of a trial.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The seed.
    pub seed: u64,
    /// Every fault.
    pub recoveries: Vec<Recovery>,
    /// The table beside the truth, from the last word of a phone on.
    pub table: Settled,
    /// How many AORs were not compared, since their time was running out.
    pub spared: usize,
    /// Flushes.
    pub flushes: Tally,
    /// Answers.
    pub answers: Answers,
    /// Anything else that must not be.
    pub failures: Vec<String>,
    /// Events that the proxies sent, and that they lost.
    pub events: (u64, u64),
}

impl Verdict {
    /// Whether rollcall held what it promises.
    pub fn is_good(&self) -> bool {
        self.table.after.is_some()
            && self.flushes.violations.is_empty()
            && self.answers.violations.is_empty()
            && self.failures.is_empty()
    }

    /// Missing, stale, extra.
    pub fn counts(&self) -> [usize; 3] {
        let count =
            |of: fn(&Difference) -> bool| self.table.differences.iter().filter(|d| of(d)).count();
        [
            count(|d| matches!(d, Difference::Missing { .. })),
            count(|d| matches!(d, Difference::Stale { .. })),
            count(|d| matches!(d, Difference::Extra { .. })),
        ]
    }
}

/// Prints a line.
pub fn say(line: &str) {
    println!("{line}");
}

/// Prints what the table has of an AOR.
pub fn records(records: &[Value], aor: &str) {
    for record in records.iter().filter(|record| binding(record).aor == aor) {
        say(&format!("  the table has {record}"));
    }
}

/// The table of faults, as Markdown.
pub fn faults(recoveries: &[Recovery]) -> String {
    #[derive(Default)]
    struct Row {
        count: u32,
        longest: Option<Duration>,
        overtaken: u32,
    }
    let mut rows: BTreeMap<Kind, Row> = BTreeMap::new();
    for recovery in recoveries {
        let row = rows.entry(recovery.kind).or_default();
        row.count += 1;
        match recovery.ready {
            Some(ready) => row.longest = row.longest.max(Some(ready)),
            None => row.overtaken += 1,
        }
    }
    let mut text = String::from(
        "| fault | count | longest from healing until ready, s | not ready before the next fault |\n\
         | --- | ---: | ---: | ---: |\n",
    );
    for (kind, row) in rows {
        let longest = row.longest.map_or("–".to_owned(), |longest| {
            format!("{:.1}", longest.as_secs_f32())
        });
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {kind} | {} | {longest} | {} |",
            row.count, row.overtaken
        );
    }
    text
}

/// Prints the verdict.
pub fn print(verdict: &Verdict) {
    let Verdict {
        flushes, answers, ..
    } = verdict;
    say(&format!("\n{}", faults(&verdict.recoveries)));
    let (sent, lost) = verdict.events;
    say(&format!(
        "events: {sent} sent, {lost} lost for want of a broker"
    ));
    say(&format!(
        "flushes: {} answered 200, {} with a warning, {} not registered, {} refused (503), {} unanswered; \
         proxies: {} got theirs, {} excused (the broker failed just then), {} not bound",
        flushes.taken,
        flushes.warned,
        flushes.unknown,
        flushes.refused,
        flushes.unanswered,
        flushes.arrived,
        flushes.excused,
        flushes.unbound
    ));
    say(&format!(
        "answers: {:?}, {} times nobody there, slowest {:.2} s",
        answers.by_status,
        answers.unanswered,
        answers.slowest.as_secs_f32()
    ));
    let lists = [
        ("flush", &flushes.violations),
        ("answer", &answers.violations),
        ("failure", &verdict.failures),
    ];
    for (what, violations) in lists {
        for violation in violations {
            say(&format!("VIOLATION ({what}): {violation}"));
        }
    }
    let [missing, stale, extra] = verdict.counts();
    let settled = verdict
        .table
        .after
        .map_or("never equal".to_owned(), |settled| {
            format!("equal after {:.1} s", settled.as_secs_f32())
        });
    say(&format!(
        "table: {} registered, {missing} missing, {stale} stale, {extra} extra, {} not compared; {settled}",
        verdict.table.registered, verdict.spared
    ));
    let word = if verdict.is_good() { "PASS" } else { "FAIL" };
    say(&format!("{word} seed {}", verdict.seed));
}
