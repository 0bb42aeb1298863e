//! Asks rollcall all the time, and minds what it answers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use tokio::time::sleep;

use crate::{fleet::account_id, history::History, proxy::lock, subject::Api, world::ACCOUNTS};

const PERIOD: Duration = Duration::from_millis(100);
/// Reading asks nobody, so it never waits for anything.
const SLOW: Duration = Duration::from_secs(5);

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// By status.
    pub by_status: BTreeMap<u16, u64>,
    /// No answer, since rollcall did not run.
    pub unanswered: u64,
    /// What must not be.
    pub violations: Vec<String>,
    /// The slowest.
    pub slowest: Duration,
}

/// Asks one thing after the other for as long as the task lives.
pub async fn watch(api: Api, history: Arc<History>, answers: Arc<Mutex<Answers>>) {
    for turn in 0_u32.. {
        sleep(PERIOD).await;
        let account = format!("/v2/accounts/{}", account_id(turn / 8 % ACCOUNTS));
        let user = format!("{account}/registrations/user{:05}", turn % 400);
        let (path, allowed): (String, &[u16]) = match turn % 8 {
            0 => ("/healthz".into(), &[200]),
            1 => ("/readyz".into(), &[200, 503]),
            2 => (format!("{account}/registrations"), &[200, 404]),
            3 => (format!("{account}/registrations/count"), &[200, 404]),
            4 => (user, &[200, 404]),
            5 => (format!("{account}/devices/status"), &[200, 404]),
            6 => ("/v2/registrations/count".into(), &[200]),
            _ => (format!("{account}/registrations/o'x"), &[400]),
        };
        let (stay, begun) = (api.stay(), Instant::now());
        let answer = api.call("GET", &path).await;
        let took = begun.elapsed();
        // While it stops it may say so; while it does not run it says nothing.
        let runs = stay.is_multiple_of(2) && stay == api.stay();
        let at = history.seconds();
        let mut answers = lock(&answers);
        match answer {
            Ok((status, body)) => {
                *answers.by_status.entry(status.as_u16()).or_default() += 1;
                answers.slowest = answers.slowest.max(took);
                let stopping = !runs && status == StatusCode::SERVICE_UNAVAILABLE;
                if !allowed.contains(&status.as_u16()) && !stopping {
                    let line = format!("{at:.2} GET {path}: {status}: {body}");
                    answers.violations.push(line);
                } else if took > SLOW && runs {
                    let line = format!("{at:.2} GET {path}: took {:.1} s", took.as_secs_f32());
                    answers.violations.push(line);
                }
            }
            Err(_) if !runs => answers.unanswered += 1,
            Err(error) => {
                let line = format!("{at:.2} GET {path}: {error:#}");
                answers.violations.push(line);
            }
        }
    }
}
