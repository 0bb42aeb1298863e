//! A process's resident memory over the course of a trial, and whether it stays flat.

use std::{
    fmt, fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::sleep;

use crate::proxy::lock;

const PERIOD: Duration = Duration::from_millis(200);
/// As much may the last tenth differ from the first.
const FLAT: f64 = 0.05;

/// How far a trial has come, in whatever it counts.
#[derive(Debug)]
pub struct Progress {
    done: AtomicU64,
    total: u64,
}

impl Progress {
    /// Nothing of `total` is done.
    pub fn of(total: u64) -> Arc<Self> {
        Arc::new(Self {
            done: AtomicU64::new(0),
            total: total.max(1),
        })
    }

    /// One more is done.
    pub fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// So much is done by now.
    pub fn reach(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// How much is done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// The same as a part of the whole.
    #[expect(clippy::cast_precision_loss, reason = "a part of the whole")]
    pub fn part(&self) -> f64 {
        self.done() as f64 / self.total as f64
    }
}

/// Resident memory of a process, in KiB.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.context("no VmRSS")?.parse().context("VmRSS")
}

/// What was measured: how far the trial had come, and KiB.
#[derive(Clone, Debug, Default)]
pub struct Samples(Arc<Mutex<Vec<(f64, u64)>>>);

impl Samples {
    /// Looks at a process for as long as the task lives.
    pub async fn watch(self, pid: u32, progress: Arc<Progress>) {
        while let Ok(kib) = resident(pid) {
            lock(&self.0).push((progress.part(), kib));
            sleep(PERIOD).await;
        }
    }

    /// The first tenth and the last; nothing if either was not seen.
    pub fn flatness(&self) -> Option<Flatness> {
        let samples = lock(&self.0);
        Some(Flatness {
            first: within(&samples, 0.0, 0.1)?,
            last: within(&samples, 0.9, 1.0)?,
            peak: samples.iter().map(|(_, kib)| *kib).max()?,
        })
    }

    /// The median of each tenth, in MiB, to see which way it went.
    pub fn course(&self) -> String {
        let samples = lock(&self.0);
        let tenths = (0..10_u32).map(|tenth| {
            let (from, to) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
            within(&samples, from, to).map_or("–".to_owned(), |kib| mib(kib).to_string())
        });
        tenths.collect::<Vec<_>>().join(" ")
    }
}

/// The median of what was measured in a part of a trial. Not what follows when all is done.
fn within(samples: &[(f64, u64)], from: f64, to: f64) -> Option<u64> {
    let picked = samples.iter().filter(|(at, _)| (from..to).contains(at));
    let mut values: Vec<u64> = picked.map(|(_, kib)| *kib).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// KiB in MiB, rounded.
fn mib(kib: u64) -> u64 {
    (kib + 512) / 1024
}

/// Medians of KiB in the first and the last tenth of a trial, and the most that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatness {
    /// In the first tenth.
    pub first: u64,
    /// In the last tenth.
    pub last: u64,
    /// At any time.
    pub peak: u64,
}

impl Flatness {
    /// By what part it has grown; negative if it has shrunk.
    #[expect(clippy::cast_precision_loss, reason = "kilobytes")]
    pub fn growth(&self) -> f64 {
        self.last as f64 / self.first.max(1) as f64 - 1.0
    }

    /// Whether it stayed as it was.
    pub fn is_flat(&self) -> bool {
        self.growth().abs() <= FLAT
    }
}

impl fmt::Display for Flatness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} MiB in the first tenth, {} in the last ({:+.1} %), peak {}",
            mib(self.first),
            mib(self.last),
            self.growth() * 100.0,
            mib(self.peak)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(kib: impl Fn(u32) -> u64) -> Samples {
        let each = (0..100).map(|at| (f64::from(at) / 100.0, kib(at)));
        Samples(Arc::new(Mutex::new(each.collect())))
    }

    #[test]
    fn what_grows_by_more_than_a_twentieth_is_not_flat() {
        let still = samples(|at| if at == 50 { 9000 } else { 1000 });
        let flatness = still.flatness().unwrap();
        assert!(flatness.is_flat() && flatness.peak == 9000, "{flatness}");
        let creeping = samples(|at| 1000 + u64::from(at));
        assert!(!creeping.flatness().unwrap().is_flat());
        assert!(Samples::default().flatness().is_none());
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident(std::process::id()).unwrap() > 100);
    }
}
