//! What became of a soak.

use super::{Seen, visitors::LATE};
use crate::{judge::Difference, memory::Flatness, program::End, report::say};

/// So many seconds' worth of events may wait at any time.
const BEHIND: u32 = 2;

/// The outcome.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The seed.
    pub seed: u64,
    /// Seconds, and events a second.
    pub asked: (u64, u32),
    /// Events that were sent.
    pub events: u64,
    /// Phones that were registered in the end.
    pub registered: usize,
    /// How the table differed in the end.
    pub differences: Vec<Difference>,
    /// How many messages waited for rollcall, four times a second.
    pub depths: Vec<u32>,
    /// Of those that come once.
    pub seen: Seen,
    /// Memory in the first and the last tenth.
    pub memory: Option<Flatness>,
    /// Memory by tenths.
    pub course: String,
    /// How it ended.
    pub end: End,
}

impl Verdict {
    /// Every thing that was promised, and whether it was kept.
    pub fn promises(&self) -> Vec<(String, bool)> {
        let (seconds, rate) = self.asked;
        let wanted = seconds * u64::from(rate);
        let deepest = self.depths.iter().max().copied().unwrap_or_default();
        let end = self.depths.iter().rev().take(self.depths.len() / 10);
        let at_end = end.max().copied().unwrap_or_default();
        let Seen {
            registered,
            lag,
            told,
            asked,
            violations,
        } = &self.seen;
        let memory = self.memory.map_or("not seen".into(), |m| m.to_string());
        let in_time = told.max() <= LATE && asked.max() <= LATE && violations.is_empty();
        vec![
            (
                format!("{} events in {seconds} s, {wanted} wanted", self.events),
                self.events * 100 >= wanted * 98,
            ),
            (
                format!("most that waited in the queue: {deepest}, in the last tenth {at_end}"),
                at_end <= rate * BEHIND,
            ),
            (
                format!("from publication to the follower: {lag}"),
                !lag.is_empty(),
            ),
            (
                format!("{registered} short registrations; late, as told: {told}"),
                in_time && !told.is_empty(),
            ),
            (
                format!("late, as asked: {asked}"),
                in_time && !asked.is_empty(),
            ),
            (
                format!("memory: {memory}"),
                self.memory.is_some_and(|memory| memory.is_flat()),
            ),
            (
                format!(
                    "{} registered in the end, {} AORs differ",
                    self.registered,
                    self.differences.len()
                ),
                self.differences.is_empty(),
            ),
            (
                format!("{} panics; {}", self.end.panics, self.end.how),
                self.end.is_good(),
            ),
        ]
    }

    /// Whether all was kept.
    pub fn is_good(&self) -> bool {
        self.promises().iter().all(|(_, kept)| *kept)
    }
}

/// Prints the outcome, as a table in Markdown.
pub fn print(verdict: &Verdict) {
    say("\n| what | kept |\n| --- | --- |");
    for (what, kept) in verdict.promises() {
        say(&format!("| {what} | {} |", if kept { "yes" } else { "NO" }));
    }
    say(&format!("\nMiB by tenths: {}", verdict.course));
    say(&format!(
        "what became of the events: {}",
        verdict.end.outcomes()
    ));
    for violation in verdict.seen.violations.iter().take(20) {
        say(&format!("VIOLATION: {violation}"));
    }
    for difference in verdict.differences.iter().take(12) {
        say(&format!("  {difference}"));
    }
    let word = if verdict.is_good() { "PASS" } else { "FAIL" };
    say(&format!("{word} seed {}", verdict.seed));
}
