//! A client that means harm.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    Flood, Progresses,
    good::ACCOUNTS,
    http1::{Answer, Line},
    requests::{Request, garbage, request},
};
use crate::{dice::Dice, proxy::lock};

const STREAM: u64 = 100;
/// For whatever comes back of bytes that are no request.
const PATIENCE: Duration = Duration::from_secs(5);
/// What `docs/http.md` names; anything else from 500 is a fault of rollcall's.
const NAMED: [&str; 3] = ["datastore_unreachable", "stopping", "broker_unreachable"];

pub(super) struct Hostile {
    pub(super) flood: Arc<Flood>,
    pub(super) progress: Arc<Progresses>,
    pub(super) until: Option<Instant>,
}

impl Hostile {
    /// Asks until all is asked or the time is up.
    pub(super) async fn run(self, seed: u64, number: u64) {
        let mut dice = Dice::new(seed, STREAM + number);
        let mut line = None;
        let Progresses { bodies, requests } = &*self.progress;
        while requests.part() < 1.0 {
            if self.until.is_some_and(|until| until <= Instant::now()) {
                return;
            }
            // In step with the other flood, to the end of both.
            if self.until.is_none() && requests.part() > bodies.part() && bodies.part() < 1.0 {
                sleep(Duration::from_millis(2)).await;
                continue;
            }
            requests.step();
            if dice.one_in(6) {
                self.throw(&mut dice).await;
            } else {
                let request = request(&mut dice, ACCOUNTS);
                self.ask(&mut dice, &mut line, &request).await;
            }
            if self.until.is_some() {
                // While warming up nothing else holds it back.
                sleep(Duration::from_millis(5)).await;
            }
        }
    }

    async fn open(&self, dice: &mut Dice) -> io::Result<Line> {
        let byte = |dice: &mut Dice| u8::try_from(dice.within(1..255)).unwrap_or(1);
        let from = Ipv4Addr::new(127, byte(dice), byte(dice), byte(dice));
        Line::open(self.flood.port, from).await
    }

    async fn throw(&self, dice: &mut Dice) {
        let garbage = garbage(dice, ACCOUNTS);
        match self.open(dice).await {
            Ok(line) => {
                for status in line.throw(&garbage, PATIENCE).await {
                    self.count(status, &[], &garbage);
                }
            }
            Err(error) => self.flood.violation(format!("no connection: {error}")),
        }
    }

    /// Asks over the line that is there, or over a new one if that has gone meanwhile.
    async fn ask(&self, dice: &mut Dice, line: &mut Option<Line>, request: &Request) {
        for _ in 0..2 {
            let old = line.is_some();
            let mut this = match line.take() {
                Some(line) => line,
                None => match self.open(dice).await {
                    Ok(line) => line,
                    Err(error) => {
                        self.flood.violation(format!("no connection: {error}"));
                        return;
                    }
                },
            };
            match this.ask(&request.bytes, request.is_head).await {
                Ok(Answer {
                    status,
                    body,
                    closes,
                }) => {
                    self.count(status, &body, &request.bytes);
                    // What is left of a request that was refused half-way must not be taken for another.
                    if !closes && !matches!(status, 400 | 408 | 413 | 414 | 431) {
                        *line = Some(this);
                    }
                    return;
                }
                Err(_) if old => {}
                Err(error) => {
                    *lock(&self.flood.counts.unanswered) += 1;
                    let start = start(&request.bytes);
                    self.flood
                        .violation(format!("no answer ({error}) to {start}"));
                }
            }
        }
    }

    fn count(&self, status: u16, body: &[u8], request: &[u8]) {
        *lock(&self.flood.counts.statuses).entry(status).or_default() += 1;
        if status < 500 {
            return;
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = body
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default();
        // Of an answer to garbage only the status is known.
        let named = status == 503 && (body.is_null() || NAMED.contains(&message));
        if !named {
            let start = start(request);
            self.flood
                .violation(format!("{status} {message:?} to {start}"));
        }
    }
}

fn start(request: &[u8]) -> String {
    let start = request.get(..300).unwrap_or(request);
    start.escape_ascii().to_string()
}
