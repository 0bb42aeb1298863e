//! The program that is tried: where it is, what its queue is called, how it ended.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use lab::rollcall::Rollcall;
use nix::sys::signal::Signal;

/// It drains for at most 20 s.
const STOP: Duration = Duration::from_secs(40);

/// The program to try; the one beside this program if none is named.
pub fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let program = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("rollcall"),
    };
    program
        .canonicalize()
        .with_context(|| format!("no rollcall at {}", program.display()))
}

/// The name of its queue of events.
pub fn queue(rollcall: &Rollcall) -> String {
    format!("rollcall-registrar-rollcall@lab-{}", rollcall.port())
}

/// How it ended, and what its log says.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// How it ended.
    pub how: String,
    /// Whether that was well.
    pub well: bool,
    /// How often something panicked.
    pub panics: usize,
    /// Lines of its last words: what became of all deliveries.
    pub counts: Vec<(String, u64)>,
}

impl End {
    /// Whether nothing panicked, and it ended well.
    pub fn is_good(&self) -> bool {
        self.well && self.panics == 0
    }

    /// What became of all deliveries, on one line.
    pub fn outcomes(&self) -> String {
        let each = self
            .counts
            .iter()
            .map(|(what, count)| format!("{what} {count}"));
        each.collect::<Vec<_>>().join(", ")
    }

    /// How many deliveries came to this.
    pub fn count(&self, what: &str) -> u64 {
        let found = self.counts.iter().find(|(name, _)| name == what);
        found.map_or(0, |(_, count)| *count)
    }

    fn of(log: &str, how: String, well: bool) -> Self {
        Self {
            how,
            well,
            panics: log.matches("panicked at").count(),
            counts: log.lines().filter_map(counted).collect(),
        }
    }
}

/// `… deliveries since the start kind="stored" reason="refreshed" count=12`
fn counted(line: &str) -> Option<(String, u64)> {
    let (_, rest) = line.split_once("deliveries since the start ")?;
    let field = |name: &str| {
        let mut words = rest.split(' ');
        let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    let count = field("count")?.parse().ok()?;
    Some((format!("{}/{}", field("kind")?, field("reason")?), count))
}

/// Ends it with SIGTERM.
pub fn ended(rollcall: &mut Rollcall) -> anyhow::Result<End> {
    rollcall.process().signal(Signal::SIGTERM);
    let status = tokio::task::block_in_place(|| rollcall.process().wait(STOP))?;
    let how = format!("ended with {status} on SIGTERM");
    Ok(End::of(&rollcall.log(), how, status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_and_last_words_are_read_from_the_log() {
        let log = "2026 INFO rollcall::serve: deliveries since the start kind=\"stored\" reason=\"moved\" count=12\n\
            thread 'x' panicked at src/a.rs:1:1:\n\
            2026 INFO rollcall::serve: deliveries since the start kind=rejected reason=panicked count=1";
        let end = End::of(log, String::new(), true);
        assert_eq!((end.panics, end.count("stored/moved")), (1, 12));
        assert_eq!(end.outcomes(), "stored/moved 12, rejected/panicked 1");
        assert!(!end.is_good());
    }
}
