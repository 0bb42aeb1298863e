//! Slow clients: thousands that send or read a byte a second, and a thousand that follow changes where
//! there are none. Phases with them and without take turns, and the others' p99 is compared.

pub mod options;

mod crowd;
mod probe;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use lab::{broker::Broker, rollcall::Rollcall};
use tokio::time::sleep;

use self::{
    crowd::{Crowd, Place, RAMP},
    options::Options,
    probe::Probe,
};
use crate::{
    feeder::Feeder,
    fleet::{account_id, fleet},
    memory::resident,
    program::{self, End, ended},
    proxy::now,
    quantile::Durations,
    report::say,
    truth::Row,
    wire::{Speaker, Status, reg_success, success_key},
};

/// As much longer the others' p99 may be.
const FACTOR: f64 = 2.0;
/// Accounts, of which one has a long list for the slow ones.
const ACCOUNTS: u32 = 41;
const PHONES: u32 = 800;
const LONG: u32 = 1000;
/// Between phases, for what is left of the one before, or of their coming, to be over.
const CALM: Duration = Duration::from_secs(5);

/// For all phones to be registered.
const PATIENCE: Duration = Duration::from_mins(1);

/// The outcome.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Answers without the slow ones.
    pub without: Durations,
    /// Answers with them.
    pub with: Durations,
    /// The fewest of the slow ones that were connected at the end of a phase.
    pub fewest: u32,
    /// How many there should have been.
    pub wanted: u32,
    /// How it ended.
    pub end: End,
}

impl Verdict {
    /// How much longer the others' p99 is.
    pub fn factor(&self) -> f64 {
        let of = |durations: &Durations| durations.quantile(990).as_secs_f64();
        of(&self.with) / of(&self.without).max(1e-6)
    }

    /// Whether the others did not notice, and the slow ones were there.
    pub fn is_good(&self) -> bool {
        self.factor() <= FACTOR
            && u64::from(self.fewest) * 100 >= u64::from(self.wanted) * 95
            && self.end.is_good()
    }
}

/// Runs all phases, and tells how it went.
pub async fn run(options: &Options) -> anyhow::Result<Verdict> {
    let broker = Broker::start().await?;
    let uri = broker.vhost("/").uri().to_owned();
    let settings = [("RECONCILE__INTERVAL", "0"), ("RECOVERY__TIMEOUT", "5")];
    let program = program::find(options.rollcall.as_deref())?;
    let mut rollcall = Rollcall::start(&program, &uri, &settings).await?;
    let pid = rollcall.process().id();
    fill(&uri, &rollcall).await?;
    let (place, probe) = around(&rollcall, options);
    // Whatever is slow only once.
    probe.run(Duration::from_secs(2)).await?;
    let mut verdict = Verdict {
        wanted: options.clients + options.readers,
        fewest: u32::MAX,
        ..Verdict::default()
    };
    let length = Duration::from_secs(options.seconds);
    say(
        "| phase | others' answers | slow senders, readers, followers | connections anew | rollcall, MiB |\n| --- | --- | --- | ---: | ---: |",
    );
    for _ in 0..options.pairs {
        sleep(CALM).await;
        let taken = probe.run(length).await?;
        say(&format!(
            "| without | {taken} | | | {} |",
            resident(pid)? / 1024
        ));
        verdict.without.extend(&taken);
        let crowd = Crowd::gather(place.clone(), options.clients, options.readers)?;
        sleep(RAMP + CALM).await;
        let taken = probe.run(length).await?;
        let present = Arc::clone(&crowd.present);
        verdict.fewest = verdict.fewest.min(present.all());
        let now = |count: &std::sync::atomic::AtomicU32| count.load(Ordering::Relaxed);
        say(&format!(
            "| with | {taken} | {}, {}, {} | {} | {} |",
            now(&present.sending),
            now(&present.reading),
            now(&present.following),
            now(&present.again),
            resident(pid)? / 1024
        ));
        verdict.with.extend(&taken);
        drop(crowd);
    }
    rollcall.process().check_alive()?;
    verdict.end = ended(&mut rollcall)?;
    print(&verdict);
    Ok(verdict)
}

/// Phones in every account, and in the first one enough for a long list.
async fn fill(uri: &str, rollcall: &Rollcall) -> anyhow::Result<()> {
    let feeder = Feeder::connect(uri, &program::queue(rollcall), 1).await?;
    let speaker = Speaker {
        node: "kamailio@proxy1.slow".into(),
        ip: "203.0.113.1".into(),
    };
    let mut phones = fleet(PHONES, ACCOUNTS - 1);
    for phone in &mut phones {
        phone.account += 1;
    }
    phones.extend(fleet(LONG, 1));
    let seconds = now() / 1000;
    for phone in &phones {
        let row = Row {
            contact: phone.contact(0),
            call_id: format!("{}@slow", phone.username),
            modified: seconds,
            expires: seconds + 7200,
        };
        let status = Status::Registered { first: true };
        let body = reg_success(&speaker, phone, &row, status, seconds);
        feeder
            .publish(0, "registrar", &success_key(phone), &body)
            .await?;
    }
    lab::wait::until_eq(
        "all to be registered",
        PATIENCE,
        &phones.len(),
        async || {
            let (_, body) = rollcall.call("GET", "/v2/registrations/count").await?;
            let count = body
                .pointer("/data/count")
                .and_then(serde_json::Value::as_u64);
            Ok(usize::try_from(count.unwrap_or_default())?)
        },
    )
    .await
}

/// Where the slow ones go, and what the others ask for.
fn around(rollcall: &Rollcall, options: &Options) -> (Place, Probe) {
    let path =
        |account, rest: &str| format!("/v2/accounts/{}/registrations{rest}", account_id(account));
    let place = Place {
        port: rollcall.port(),
        list: path(0, ""),
        events: path(0, "/events"),
    };
    let mut urls = Vec::new();
    for account in 1..ACCOUNTS {
        // The phones' numbers go round the accounts.
        let user = format!("/user{:05}", account - 1);
        for rest in ["/count", "", &user] {
            urls.push(format!(
                "http://127.0.0.1:{}{}",
                rollcall.port(),
                path(account, rest)
            ));
        }
    }
    let probe = Probe {
        client: lab::http::client(),
        urls,
        rate: options.rate,
    };
    (place, probe)
}

fn print(verdict: &Verdict) {
    say(&format!("\nwithout: {}", verdict.without));
    say(&format!("with:    {}", verdict.with));
    say(&format!(
        "p99 with / without: {:.2} (at most {FACTOR}); at least {} of {} slow ones were there; {} panics; {}",
        verdict.factor(),
        verdict.fewest,
        verdict.wanted,
        verdict.end.panics,
        verdict.end.how
    ));
    say(if verdict.is_good() { "PASS" } else { "FAIL" });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(ms: u64) -> Durations {
        let mut durations = Durations::default();
        durations.push(Duration::from_millis(ms));
        durations
    }

    #[test]
    fn twice_as_long_is_the_most_and_nobody_may_be_missing() {
        let verdict = Verdict {
            without: durations(10),
            with: durations(20),
            fewest: 95,
            wanted: 100,
            end: End {
                well: true,
                ..End::default()
            },
        };
        assert!(verdict.is_good());
        assert!(
            !Verdict {
                with: durations(21),
                ..verdict.clone()
            }
            .is_good()
        );
        assert!(
            !Verdict {
                fewest: 94,
                ..verdict
            }
            .is_good()
        );
    }
}
