//! `watch`

use anyhow::Context as _;
use clap::Args;
use serde::Deserialize;

use super::{
    client::{Client, Service},
    exit::{Code, Failure},
    list::of_realm,
    output::{clean, line, moment},
};

#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Change {
        change: String,
        time: u64,
        registration: Registration,
    },
    End {
        end: String,
    },
}

#[derive(Deserialize)]
struct Registration {
    username: String,
    realm: String,
    contact: String,
    proxy_path: Option<String>,
    user_agent: Option<String>,
}

/// What `watch` takes.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Only this realm, or the account that has it; all without it
    realm: Option<String>,
    /// A JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

impl WatchArgs {
    /// `rollcall watch`
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Client::new(&self.service)?;
        let mut lines = client
            .lines("/admin/changes", &of_realm(self.realm.as_deref()))
            .await?;
        while let Some(text) = lines.next().await? {
            let word: Word =
                serde_json::from_slice(&text).context("the service's changes cannot be read")?;
            match word {
                Word::Change { .. } if self.json => line(&String::from_utf8_lossy(&text))?,
                Word::Change {
                    change,
                    time,
                    registration,
                } => line(&shown(&change, time, &registration))?,
                Word::End { end } if end == "dropped" => {
                    return Err(Failure::of(
                        Code::Unreachable,
                        "changes came faster than they were read: watch a realm, or write to a file",
                    ));
                }
                Word::End { .. } => break,
            }
        }
        Err(Failure::of(
            Code::Unreachable,
            "the service stops: watch again when it is back",
        ))
    }
}

fn shown(change: &str, time: u64, registration: &Registration) -> String {
    let aor = format!("{}@{}", registration.username, registration.realm);
    let via = registration.proxy_path.as_deref().unwrap_or("-");
    let agent = registration.user_agent.as_deref().unwrap_or("-");
    let text = format!(
        "{} {change:12} {aor}  {}  via {via}  {agent}",
        moment(time),
        registration.contact
    );
    clean(&text).into_owned()
}
