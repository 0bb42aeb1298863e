//! `flush`, `sync`.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use clap::Args;
use indicatif::ProgressBar;
use reqwest::Method;
use serde::Deserialize;

use super::{
    client::{Client, Service},
    exit::{Code, Failure},
    list::{count_of, named},
    output::{line, registrations},
};

/// How often what shows that something is done moves.
const TICK: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
struct Done {
    flushed: u64,
    repeated: u64,
    missing: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Synced {
    peers: BTreeMap<String, usize>,
    from_peers: u64,
    replayed: u64,
    new: u64,
    registrations: u64,
}

/// What `flush` takes.
#[derive(Debug, Args)]
pub struct FlushArgs {
    /// USER@REALM or REALM
    of: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Also a user that the cache does not know: the proxies may
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    service: Service,
}

impl FlushArgs {
    /// `rollcall flush`
    pub async fn run(self) -> anyhow::Result<()> {
        let (client, of) = (Client::new(&self.service)?, &self.of);
        let mut query = named(of);
        if !self.yes && io::stdin().is_terminal() {
            let what = if query.len() > 1 {
                of.clone()
            } else {
                let count = count_of(&client, &query).await?;
                format!("all of {of} ({})", registrations(count))
            };
            if !agreed(&what)? {
                return Err(Failure::of(Code::Declined, "nothing was flushed"));
            }
        }
        if self.force {
            query.push(("force", "true"));
        }
        let flushing = client.json::<Done>(Method::DELETE, "/admin/registrations", &query);
        let flushed = flushing.await?;
        line(&format!("{} flushed", registrations(flushed.flushed)))?;
        if flushed.repeated > 0 {
            line(&format!(
                "{} of them so young that a proxy may not find them yet: flushed again within 7 seconds",
                flushed.repeated
            ))?;
        }
        if flushed.missing.is_empty() {
            return Ok(());
        }
        let missing = flushed.missing.iter();
        let missing: Vec<_> = missing
            .map(|(zone, reason)| format!("zone {zone}: {reason}"))
            .collect();
        Err(Failure::of(
            Code::Partial,
            format!(
                "phones of these zones stay registered, flush again when they are back: {}",
                missing.join("; ")
            ),
        ))
    }
}

fn agreed(what: &str) -> io::Result<bool> {
    let mut err = io::stderr();
    write!(
        err,
        "Flush {what}? Its phones cannot be called until they register again. [y/N] "
    )?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// What `sync` takes.
#[derive(Debug, Args)]
pub struct SyncArgs {
    #[command(flatten)]
    service: Service,
}

impl SyncArgs {
    /// `rollcall sync`
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Client::new(&self.service)?;
        // Draws on standard error, and only where that is a terminal.
        let spinner =
            ProgressBar::new_spinner().with_message("asking proxies and other registrars");
        spinner.enable_steady_tick(TICK);
        let synced = client
            .json::<Synced>(Method::POST, "/admin/sync", &[])
            .await;
        spinner.finish_and_clear();
        let synced = synced?;
        for (zone, peers) in &synced.peers {
            let s = if *peers == 1 { "" } else { "s" };
            line(&format!("zone {zone}: {peers} other registrar{s} answered"))?;
        }
        line(&format!(
            "{} replayed by proxies",
            registrations(synced.replayed)
        ))?;
        line(&format!(
            "{} known better by other registrars",
            registrations(synced.from_peers)
        ))?;
        line(&format!(
            "{} not known before, {} now",
            registrations(synced.new),
            synced.registrations
        ))
    }
}
