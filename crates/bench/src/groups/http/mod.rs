//! Questions over HTTP with keep-alive, of another random account each time, one of whose phones has
//! refreshed just before: against bare actix, and the large table against the small.
//!
//! Refreshes are told to the server's process in batches, of accounts that differ, and the same to the
//! bare server's. What is timed is the asking alone: its requests are of these accounts.

mod driver;
pub(crate) mod server;

use std::{collections::HashSet, time::Duration};

use anyhow::Context as _;

use self::driver::{Driver, Took};
use crate::{
    adapter::TOKEN,
    fixture::{
        phones::{Fleet, account_id},
        table::shuffled,
    },
    plan::Plan,
    process::{Child, scheduled},
    report::{Row, figure, median},
};

/// Connections that ask at once.
const CONNECTIONS: usize = 16;

/// The accounts of a table of so many phones: those of 100, and those of 1000.
fn layout(phones: u32) -> [Fleet; 2] {
    let hundreds = Fleet::new(phones / 2, 100);
    [hundreds, hundreds.after((phones / 2000).max(1), 1000)]
}

/// What is asked: its path behind the account's, the phones of an account, the least rate beside bare
/// actix, how many accounts refresh at once.
struct Question {
    name: &'static str,
    path: fn(String) -> String,
    per_account: u32,
    least: f64,
    batch: usize,
}

const QUESTIONS: [Question; 4] = [
    Question {
        name: "count",
        path: |_| "/count".to_owned(),
        per_account: 100,
        least: 0.5,
        batch: 512,
    },
    Question {
        name: "get one",
        path: |username| format!("/{username}"),
        per_account: 100,
        least: 0.5,
        batch: 512,
    },
    Question {
        name: "list of 100",
        path: |_| String::new(),
        per_account: 100,
        least: 0.3,
        batch: 128,
    },
    Question {
        name: "list of 1000",
        path: |_| String::new(),
        per_account: 1000,
        least: 0.3,
        batch: 32,
    },
];

/// A server and who asks it.
struct Side {
    server: Child,
    port: u16,
    phones: u32,
}

/// How a server did.
struct Pace {
    /// Requests a second.
    rate: f64,
    /// Bytes of a body, at the mean.
    body: usize,
    /// The part of the time in which the driver was at work itself.
    busy: f64,
}

impl Side {
    fn start(command: &str, phones: u32) -> anyhow::Result<Self> {
        let server = Child::start(&[command, &phones.to_string()])?;
        let port = server.line.trim().parse().context("no port")?;
        Ok(Self {
            server,
            port,
            phones,
        })
    }

    /// Asks for a while, in batches of so many.
    fn ask(&mut self, question: &Question, batch: usize, length: Duration) -> anyhow::Result<Pace> {
        let mut driver = Driver::connect(self.port, CONNECTIONS)?;
        let fleet = question.fleet(self.phones);
        let order = shuffled(fleet.len());
        let mut phones = order.iter().map(|at| fleet.phone(*at)).cycle();
        let (mut all, mut busy, mut requests) = (Took::default(), 0, 0);
        while all.time < length {
            let mut order = vec![b'R'];
            order.extend((batch as u32).to_le_bytes());
            let mut asked = Vec::new();
            let mut accounts = HashSet::new();
            while asked.len() < batch {
                let phone = phones.next().context("no phones")?;
                if accounts.insert(phone.account) {
                    order.extend(phone.account.to_le_bytes());
                    order.extend(phone.number.to_le_bytes());
                    let path = (question.path)(phone.username());
                    asked.push(request(phone.account, &path));
                }
            }
            self.server.call(&order)?;
            let before = scheduled()[0];
            let took = driver.ask(&asked)?;
            busy += scheduled()[0] - before;
            all.time += took.time;
            all.body += took.body;
            requests += asked.len();
        }
        Ok(Pace {
            rate: requests as f64 / all.time.as_secs_f64(),
            body: all.body / requests,
            busy: busy as f64 / all.time.as_nanos() as f64,
        })
    }

    /// Makes the bare server's answers so long.
    fn set_length(&mut self, length: usize) -> anyhow::Result<()> {
        let mut order = vec![b'L'];
        order.extend((length as u32).to_le_bytes());
        self.server.call(&order)
    }
}

fn request(account: u32, path: &str) -> Vec<u8> {
    let account = account_id(account);
    format!(
        "GET /v2/accounts/{account}/registrations{path} HTTP/1.1\r\nHost: localhost\r\n\
         X-Auth-Token: {TOKEN}\r\n\r\n"
    )
    .into_bytes()
}

impl Question {
    fn fleet(&self, phones: u32) -> Fleet {
        let [hundreds, thousands] = layout(phones);
        if self.per_account == 100 {
            hundreds
        } else {
            thousands
        }
    }

    /// How many different accounts can be asked for at once.
    fn batch(&self, phones: u32) -> usize {
        self.batch.min(self.fleet(phones).accounts as usize)
    }
}

pub(super) fn rows(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut small = Side::start("serve", plan.small)?;
    let mut large = Side::start("serve", plan.large)?;
    let mut bare = Side::start("bare", plan.large)?;
    let mut rows = Vec::new();
    for question in QUESTIONS {
        let name = format!("http/{}", question.name);
        let mut ratio = Row::new(&name, "× bare actix").at_least(question.least);
        let latency = format!("{name}/latency");
        let mut growth = Row::new(&latency, &format!("× at {}", plan.small)).at_most(1.5);
        let (mut ours, mut theirs, mut busy) = (Vec::new(), Vec::new(), Vec::new());
        let length = question.batch(plan.large);
        let warm = large.ask(&question, length, plan.turn / 4)?;
        bare.set_length(warm.body)?;
        for _ in 0..plan.runs {
            let our = large.ask(&question, length, plan.turn)?;
            let other = bare.ask(&question, length, plan.turn)?;
            ratio.push(our.rate / other.rate);
            ours.push(our.rate);
            theirs.push(other.rate);
            busy.push(other.busy * 100.0);
            // As many at once of both tables as the small one has accounts.
            let few = question.batch(plan.small);
            let at_small = small.ask(&question, few, plan.turn / 2)?;
            let at_large = large.ask(&question, few, plan.turn / 2)?;
            growth.push(at_small.rate / at_large.rate);
        }
        ratio.note = format!(
            "{} and {} requests a second, answers of {} bytes; the asking side was at work {} % of the bare server's time",
            figure(median(&ours)),
            figure(median(&theirs)),
            warm.body,
            figure(median(&busy)),
        );
        rows.extend([ratio, growth]);
    }
    Ok(rows)
}
