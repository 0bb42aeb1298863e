//! Processes: this program run again, and what the kernel says of them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{self, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, ensure};

/// This program in another process, until this is dropped.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    output: BufReader<ChildStdout>,
    /// Its first line.
    pub line: String,
}

impl Child {
    /// Starts it; returns when it has printed a line.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Where a program under systemd logs to costs its own process nothing more.
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().context("no standard output")?;
        let mut child = Self {
            process,
            output: BufReader::new(output),
            line: String::new(),
        };
        child.output.read_line(&mut child.line)?;
        ensure!(!child.line.is_empty(), "{arguments:?} did not start");
        Ok(child)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Writes to its standard input, and waits for one byte from it.
    pub fn call(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let input = self.process.stdin.as_mut().context("no standard input")?;
        input.write_all(bytes)?;
        self.output.read_exact(&mut [0])?;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ends this process when the one that started it has ended, however that was.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        process::exit(0);
    });
}

/// Prints a line for the process that started this one.
#[expect(clippy::print_stdout, reason = "it is read there")]
pub fn tell(line: &str) {
    println!("{line}");
}

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

/// Nanoseconds that this thread has had a processor, and has waited for one, so far.
pub fn scheduled() -> [u64; 2] {
    let read = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut fields = read.split_whitespace().map(str::parse);
    [(); 2].map(|()| fields.next().and_then(Result::ok).unwrap_or_default())
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
