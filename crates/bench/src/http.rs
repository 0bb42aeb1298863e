//! Questions over HTTP with keep-alive, against a server that has the answer in memory.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, ensure};
use registration::AccountId;
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    child::Server,
    event::{Fleet, account_id},
    options::Plan,
    report::{Bound, Row, figure, median},
    server::{TOKEN, layout},
};

const SCRIPT: &str = include_str!("wrk.lua");
/// Connections that ask at once.
const CONNECTIONS: u32 = 16;
/// Accounts that are asked for in turns, at most.
const SPREAD: u32 = 2000;

/// Of how many accounts is asked in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Of one.
    One,
    /// Of as many as the smallest table has, so that tables differ by nothing but their size.
    Many,
    /// Of up to [`SPREAD`], more than have their lists kept: most are written anew.
    Spread,
}

impl Manner {
    fn name(self) -> String {
        match self {
            Self::One => "one account".to_owned(),
            Self::Many => "many accounts".to_owned(),
            Self::Spread => format!("{SPREAD} accounts"),
        }
    }

    fn accounts(self, question: Question, sizes: [u32; 3], phones: u32) -> u32 {
        let accounts = |phones| question.fleet(phones).accounts.min(SPREAD);
        match self {
            Self::One => 1,
            Self::Many => sizes.map(accounts).into_iter().min().unwrap_or(1),
            Self::Spread => accounts(phones),
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    List(u32),
    Count,
    One,
}

const QUESTIONS: [Question; 5] = [
    Question::List(5),
    Question::List(100),
    Question::List(1000),
    Question::Count,
    Question::One,
];

impl Question {
    fn name(self) -> String {
        match self {
            Self::List(length) => format!("list of {length}"),
            Self::Count => "count of 100".to_owned(),
            Self::One => "get one of 100".to_owned(),
        }
    }

    /// The accounts that it is asked of.
    fn fleet(self, phones: u32) -> Fleet {
        let [five, hundred, thousand] = layout(phones);
        match self {
            Self::List(5) => five,
            Self::List(1000) => thousand,
            _ => hundred,
        }
    }

    fn path(self, fleet: Fleet, account: u32) -> String {
        let base = format!(
            "/v2/accounts/{}/registrations",
            account_id(fleet.first_account + account)
        );
        match self {
            Self::List(_) => base,
            Self::Count => format!("{base}/count"),
            Self::One => {
                let phone = fleet.phone(account * fleet.per_account + account % fleet.per_account);
                format!("{base}/{}", phone.username())
            }
        }
    }

    /// Of so many accounts in turns, from all over the table.
    fn paths(self, phones: u32, many: u32) -> Vec<String> {
        let fleet = self.fleet(phones);
        let accounts = fleet.accounts;
        let step = accounts / 2 + accounts / 5 + 1;
        let scattered = |at: u32| (u64::from(at) * u64::from(step) % u64::from(accounts)) as u32;
        (0..many)
            .map(|at| self.path(fleet, scattered(at)))
            .collect()
    }

    fn bound(self, is_large: bool) -> Option<Bound> {
        let held = matches!(self, Self::List(100) | Self::Count);
        (held && is_large).then_some(Bound::RatioAtLeast(0.9))
    }
}

/// How it went.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Asked {
    requests: u64,
    micros: u64,
    p50: f64,
    p99: f64,
    errors: u64,
}

impl Asked {
    /// All of it together.
    fn all(turns: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| median(&turns.iter().map(of).collect::<Vec<_>>());
        Self {
            requests: turns.iter().map(|turn| turn.requests).sum(),
            micros: turns.iter().map(|turn| turn.micros).sum(),
            p50: middle(|turn| turn.p50),
            p99: middle(|turn| turn.p99),
            errors: turns.iter().map(|turn| turn.errors).sum(),
        }
    }

    fn rate(self) -> f64 {
        self.requests as f64 * 1e6 / self.micros as f64
    }

    /// How long one took at the mean, in microseconds: every connection waits for one at any time. The
    /// median has modes, by how the two processes fall in step.
    fn latency(self) -> f64 {
        f64::from(CONNECTIONS) * self.micros as f64 / self.requests as f64
    }
}

/// How two sides went that were asked in turns. What makes the machine slower for some seconds makes
/// both slower.
fn in_turns(
    turns: u32,
    one: impl Fn() -> anyhow::Result<Asked>,
    other: impl Fn() -> anyhow::Result<Asked>,
) -> anyhow::Result<(Asked, Asked)> {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        ones.push(one()?);
        others.push(other()?);
    }
    Ok((Asked::all(&ones), Asked::all(&others)))
}

/// All rows.
pub fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    AccountId::parse(&account_id(0))?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("wrk.lua"), SCRIPT)?;
    let servers = plan
        .sizes
        .map(|phones| Server::start(&["serve", &phones.to_string()]).map(|server| (phones, server)))
        .into_iter()
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    for question in QUESTIONS {
        for manner in [Manner::One, Manner::Many] {
            rows.extend(of(plan, &folder, &servers, question, manner)?);
        }
        if question == Question::List(100) {
            rows.extend(of(plan, &folder, &servers, question, Manner::Spread)?);
        }
    }
    Ok(rows)
}

fn of(
    plan: &Plan,
    folder: &TempDir,
    servers: &[(u32, Server)],
    question: Question,
    manner: Manner,
) -> anyhow::Result<Vec<Row>> {
    let [small, _, large] = plan.sizes;
    let mut rates: Vec<Row> = plan
        .sizes
        .map(|phones| {
            let name = format!("http/{phones}/{}/{}", question.name(), manner.name());
            let mut row = Row::new(&name, "requests a second", "answered", "the same bytes");
            row.bound = question.bound(phones == large && manner != Manner::Spread);
            row
        })
        .into();
    let mut growth = Row::new(
        &format!("http/growth/{}/{}", question.name(), manner.name()),
        "µs, mean",
        &format!("at {large}"),
        &format!("at {small}"),
    );
    growth.bound = matches!(question, Question::List(_)).then_some(Bound::RatioAtMost(1.1));
    let asked: Vec<_> = servers
        .iter()
        .map(|(phones, server)| {
            let many = manner.accounts(question, plan.sizes, *phones);
            let paths = question.paths(*phones, many);
            Asking::of(server, folder, &format!("paths-{phones}"), paths)
        })
        .collect::<anyhow::Result<_>>()?;
    let mut percentiles = vec![[const { Vec::new() }; 4]; rates.len()];
    // One second differs from the next by a quarter on a machine that others share.
    let turns = |row: &Row, more: u32| plan.turns * if row.bound.is_some() { more } else { 1 };
    for _ in 0..plan.runs {
        for ((row, asking), seen) in rates.iter_mut().zip(&asked).zip(&mut percentiles) {
            let same = || asking.ask(&asking.same);
            let (ours, theirs) = in_turns(turns(row, 4), || asking.ask(asking.server), same)?;
            row.push(ours.rate(), theirs.rate());
            let all = [ours.p50, ours.p99, theirs.p50, theirs.p99];
            seen.iter_mut()
                .zip(all)
                .for_each(|(seen, one)| seen.push(one));
        }
        if let ([at_small, .., at_large], true) = (asked.as_slice(), manner != Manner::Spread) {
            let large = || at_large.ask(at_large.server);
            let small = || at_small.ask(at_small.server);
            let (large, small) = in_turns(turns(&growth, 4), large, small)?;
            growth.push(large.latency(), small.latency());
        }
    }
    for (row, seen) in rates.iter_mut().zip(&percentiles) {
        let [p50, p99, same_p50, same_p99] = seen.each_ref().map(|one| figure(median(one)));
        row.note = format!("p50 {p50} µs, p99 {p99} µs; same bytes {same_p50} and {same_p99}");
    }
    if manner != Manner::Spread {
        rates.push(growth);
    }
    Ok(rates)
}

/// Paths, and two servers that answer them alike.
struct Asking<'a> {
    server: &'a Server,
    /// It has each path's answer in memory.
    same: Server,
    folder: &'a TempDir,
    paths: Vec<String>,
    file: PathBuf,
}

impl<'a> Asking<'a> {
    fn of(
        server: &'a Server,
        folder: &'a TempDir,
        name: &str,
        paths: Vec<String>,
    ) -> anyhow::Result<Self> {
        let file = folder.path().join(name);
        fs::write(&file, paths.join("\n"))?;
        let arguments = [
            "bytes",
            &server.port.to_string(),
            &file.display().to_string(),
        ];
        Ok(Self {
            same: Server::start(&arguments)?,
            server,
            folder,
            paths,
            file,
        })
    }

    /// Asks for a second.
    fn ask(&self, server: &Server) -> anyhow::Result<Asked> {
        let output = Command::new("wrk")
            .args(["-t1", "-c", &CONNECTIONS.to_string(), "-d", "1s"])
            .arg("-s")
            .arg(self.folder.path().join("wrk.lua"))
            .arg(format!("http://127.0.0.1:{}", server.port))
            .arg("--")
            .arg(&self.file)
            .arg(TOKEN)
            .output()
            .context("cannot run wrk; scripts/packages installs it")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().find(|line| line.starts_with('{'));
        let line = line.with_context(|| format!("wrk has said {said}"))?;
        let asked: Asked = serde_json::from_str(line)?;
        ensure!(
            asked.errors == 0 && asked.requests > 0,
            "{} of {} requests failed, of {:?} and others",
            asked.errors,
            asked.requests,
            self.paths.first()
        );
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_of_accounts_that_are_there() {
        for question in QUESTIONS {
            for phones in [2_000, 1_000_000] {
                let fleet = question.fleet(phones);
                let sizes = [2_000, 100_000, 1_000_000];
                let count = |manner: Manner| manner.accounts(question, sizes, phones);
                assert_eq!(count(Manner::Many), question.fleet(2_000).accounts);
                let paths = question.paths(phones, count(Manner::Spread));
                assert_eq!(paths.len(), fleet.accounts.min(SPREAD) as usize);
                let ids: Vec<_> = (0..fleet.accounts)
                    .map(|at| account_id(fleet.first_account + at))
                    .collect();
                assert!(ids.iter().any(|id| paths[paths.len() - 1].contains(id)));
            }
        }
    }
}
