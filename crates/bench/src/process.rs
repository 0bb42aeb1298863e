//! What the kernel says of processes.

use std::fs;

use anyhow::Context as _;

/// Bytes of this process in memory: now, and at most so far.
pub fn resident() -> anyhow::Result<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status")?;
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: u64 = number.context("no memory in /proc/self/status")?.parse()?;
        anyhow::Ok(kilobytes * 1024)
    };
    Ok((of("VmRSS:")?, of("VmHWM:")?))
}

/// Seconds of processor time that a process has used so far.
pub fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The program's name may hold spaces.
    let (_, rest) = stat.rsplit_once(')').context("no name in /proc/ID/stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> anyhow::Result<u64> {
        Ok(fields.get(at).context("/proc/ID/stat is short")?.parse()?)
    };
    // utime and stime, in the kernel's USER_HZ, which is 100 on every Linux machine.
    Ok((ticks(11)? + ticks(12)?) as f64 / 100.0)
}

/// Nanoseconds that this thread has waited for a processor so far.
pub fn waited_for_processor() -> u64 {
    schedstat(1)
}

/// Nanoseconds that this thread has had a processor so far.
pub fn had_processor() -> u64 {
    schedstat(0)
}

fn schedstat(at: usize) -> u64 {
    let read = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let field = read.split_whitespace().nth(at).map(str::parse);
    field.and_then(Result::ok).unwrap_or_default()
}

/// The processor, as the kernel names it, and how many of it there are.
pub fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(':'))
        .map_or("unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores")
}
