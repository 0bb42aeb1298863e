//! What became of a flood.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use super::bodies::Kind;
use crate::{judge::Difference, memory::Flatness, program::End, proxy::lock, report::say};

/// Counted under way.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) kinds: Mutex<BTreeMap<Kind, u64>>,
    pub(super) statuses: Mutex<BTreeMap<u16, u64>>,
    pub(super) unanswered: Mutex<u64>,
    pub(super) violations: Mutex<Vec<String>>,
}

impl Counts {
    pub(super) fn taken(&self) -> Counted {
        Counted {
            kinds: lock(&self.kinds).clone(),
            statuses: lock(&self.statuses).clone(),
            unanswered: *lock(&self.unanswered),
            violations: lock(&self.violations).clone(),
        }
    }
}

/// What was counted, the warming up included.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Bodies by what was done to them.
    pub kinds: BTreeMap<Kind, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub unanswered: u64,
    /// What must not be.
    pub violations: Vec<String>,
}

/// The outcome.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The seed.
    pub seed: u64,
    /// How long it took, without warming up.
    pub took: Duration,
    /// Bodies that were published.
    pub bodies: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// Good events, and what is shown that differs from them.
    pub good: (u64, Vec<Difference>),
    /// Memory in the first and the last tenth.
    pub memory: Option<Flatness>,
    /// Memory by tenths.
    pub course: String,
    /// Whether memory counts.
    pub judges_memory: bool,
    /// Why it was not ready afterwards.
    pub unready: Option<String>,
    /// How it ended, and what its log says.
    pub end: End,
    /// What was counted.
    pub counts: Counted,
}

impl Verdict {
    /// Whether rollcall stood it.
    pub fn is_good(&self) -> bool {
        let flat = self.memory.is_some_and(|memory| memory.is_flat());
        self.good.1.is_empty()
            && self.counts.violations.is_empty()
            && self.unready.is_none()
            && self.end.is_good()
            && (flat || !self.judges_memory)
    }
}

/// Prints the outcome.
pub fn print(verdict: &Verdict) {
    let Verdict { counts, end, .. } = verdict;
    let seconds = verdict.took.as_secs_f64();
    say(&format!(
        "{} bodies and {} requests in {seconds:.1} s",
        verdict.bodies, verdict.requests
    ));
    say(&format!("bodies: {:?}", counts.kinds));
    say(&format!("what became of them: {}", end.outcomes()));
    say(&format!(
        "answers: {:?}, {} requests without",
        counts.statuses, counts.unanswered
    ));
    let (sent, wrong) = &verdict.good;
    say(&format!(
        "good events: {sent} sent, {} AORs shown otherwise",
        wrong.len()
    ));
    for difference in wrong.iter().take(12) {
        say(&format!("  {difference}"));
    }
    for violation in counts.violations.iter().chain(&verdict.unready) {
        say(&format!("VIOLATION: {violation}"));
    }
    say(&format!("{} panics; {}", end.panics, end.how));
    if let Some(memory) = verdict.memory {
        let judged = if verdict.judges_memory {
            ""
        } else {
            " (not judged)"
        };
        say(&format!(
            "memory{judged}: {memory}; MiB by tenths: {}",
            verdict.course
        ));
    }
    let word = if verdict.is_good() { "PASS" } else { "FAIL" };
    say(&format!("{word} seed {}", verdict.seed));
}
