//! `summary`, `details`, `count`.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    client::{Client, Lines, Service},
    exit::{Code, Failure},
    output::{clean, line, moment, registrations},
    table::Columns,
};

const LIST: &str = "/admin/registrations";
/// So many rows are aligned at a time.
const BATCH: usize = 500;
/// Lists that are longer have a progress bar.
const LONG: u64 = 1000;
const HEAD: [&str; 5] = ["User", "Contact", "Path", "Call-ID", "Left"];
const CSV_HEAD: [&str; 5] = ["user", "contact", "path", "call_id", "remaining"];
/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// Times that the service tells in Gregorian seconds.
const TIMES: [&str; 3] = [
    "event_timestamp",
    "initial_registration",
    "last_registration",
];

/// A registration, as far as the summary shows it.
#[derive(Deserialize)]
struct Shown {
    username: String,
    realm: String,
    contact: String,
    proxy_path: Option<String>,
    call_id: Option<String>,
    remaining: u64,
}

impl Shown {
    fn of(line: &[u8]) -> anyhow::Result<Self> {
        serde_json::from_slice(line).context("the service's list cannot be read")
    }

    fn cells(self) -> [String; 5] {
        [
            format!("{}@{}", self.username, self.realm),
            self.contact,
            self.proxy_path.unwrap_or_default(),
            self.call_id.unwrap_or_default(),
            self.remaining.to_string(),
        ]
    }

    fn row(self) -> [String; 5] {
        self.cells().map(|cell| clean(&cell).into_owned())
    }
}

/// What `summary` takes.
#[derive(Debug, Args)]
pub struct SummaryArgs {
    /// Only this realm, or the account that has it; all without it
    realm: Option<String>,
    /// A JSON array, with all that is known
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Comma-separated values, with a row of names
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    service: Service,
}

impl SummaryArgs {
    /// `rollcall summary`
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Client::new(&self.service)?;
        let realm = self.realm.as_deref();
        let mut lines = client.lines(LIST, &of_realm(realm)).await?;
        let bar = bar(lines.total);
        let done = if self.json {
            array(&mut lines, &bar).await
        } else if self.csv {
            csv(&mut lines, &bar).await
        } else {
            table(&mut lines, &bar, realm).await
        };
        bar.finish_and_clear();
        done
    }
}

/// Shown where the list goes elsewhere than to the terminal.
fn bar(total: Option<u64>) -> ProgressBar {
    let total = total.filter(|total| *total > LONG && !io::stdout().is_terminal());
    let Some(total) = total else {
        return ProgressBar::hidden();
    };
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} registrations, {eta}") {
        bar.set_style(style);
    }
    bar
}

async fn table(
    lines: &mut Lines<'_>,
    bar: &ProgressBar,
    realm: Option<&str>,
) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let mut columns = Columns::of_terminal();
    let mut count: u64 = 0;
    let mut rows = vec![HEAD.map(str::to_owned)];
    while let Some(line) = lines.next().await? {
        rows.push(Shown::of(&line)?.row());
        count += 1;
        if rows.len() > BATCH {
            out.write_all(columns.lines(&rows).as_bytes())?;
            rows.clear();
        }
        bar.inc(1);
    }
    if count > 0 && !rows.is_empty() {
        out.write_all(columns.lines(&rows).as_bytes())?;
    }
    let realm = realm.map_or_else(String::new, |realm| format!(" of {realm}"));
    writeln!(out, "{}{realm}", registrations(count))?;
    Ok(())
}

async fn csv(lines: &mut Lines<'_>, bar: &ProgressBar) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_writer(io::stdout().lock());
    let mut write = |row: &[String]| {
        let written = out.write_record(row);
        written.map_err(io::Error::from)
    };
    write(&CSV_HEAD.map(str::to_owned))?;
    while let Some(line) = lines.next().await? {
        let cells = Shown::of(&line)?.cells().map(|cell| {
            let guard = if cell.starts_with(FORMULA) { "'" } else { "" };
            format!("{guard}{cell}")
        });
        write(&cells)?;
        bar.inc(1);
    }
    Ok(out.flush()?)
}

async fn array(lines: &mut Lines<'_>, bar: &ProgressBar) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let mut between: &[u8] = b"[\n";
    let mut any = false;
    while let Some(line) = lines.next().await? {
        out.write_all(between)?;
        out.write_all(&line)?;
        (between, any) = (b",\n", true);
        bar.inc(1);
    }
    out.write_all(if any { b"\n]\n" } else { b"[]\n" })?;
    Ok(out.flush()?)
}

/// What `details` takes.
#[derive(Debug, Args)]
pub struct DetailsArgs {
    /// USER@REALM or REALM
    of: String,
    /// A JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

impl DetailsArgs {
    /// `rollcall details`
    pub async fn run(self) -> anyhow::Result<()> {
        let (client, of) = (Client::new(&self.service)?, &self.of);
        let query = named(of);
        let mut lines = client.lines(LIST, &query).await?;
        let is_user = query.len() > 1;
        if lines.total == Some(0) && is_user {
            return Err(Failure::of(
                Code::NotFound,
                format!("{of} is not registered: see who is with rollcall summary"),
            ));
        }
        if self.json {
            return array(&mut lines, &ProgressBar::hidden()).await;
        }
        let mut count = 0;
        while let Some(text) = lines.next().await? {
            let fields: Map<String, Value> =
                serde_json::from_slice(&text).context("the service's list cannot be read")?;
            if count > 0 {
                line("")?;
            }
            count += 1;
            block(&fields)?;
        }
        if !is_user {
            line(&format!("\n{} of {of}", registrations(count)))?;
        }
        Ok(())
    }
}

fn block(fields: &Map<String, Value>) -> anyhow::Result<()> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let aor = format!("{}@{}", text("username"), text("realm"));
    line(&clean(&aor))?;
    let width = fields.keys().map(String::len).max().unwrap_or_default();
    for (key, value) in fields {
        let shown = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if TIMES.contains(&key.as_str()) => {
                let gregorian = number.as_u64().unwrap_or_default();
                moment(registration::UnixSeconds::from_wire(gregorian).0)
            }
            other => other.to_string(),
        };
        line(&format!("  {key:width$}  {}", clean(&shown)))?;
    }
    Ok(())
}

/// What `count` takes.
#[derive(Debug, Args)]
pub struct CountArgs {
    /// Only this realm, or the account that has it; all without it
    realm: Option<String>,
    #[command(flatten)]
    service: Service,
}

impl CountArgs {
    /// `rollcall count`
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Client::new(&self.service)?;
        let count = count_of(&client, &of_realm(self.realm.as_deref())).await?;
        line(&count.to_string())
    }
}

/// How many a realm has, or all together.
pub(super) async fn count_of(client: &Client, query: &[(&str, &str)]) -> anyhow::Result<u64> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    let counted = client.json::<Count>(Method::GET, "/admin/registrations/count", query);
    Ok(counted.await?.count)
}

pub(super) fn of_realm(realm: Option<&str>) -> Vec<(&str, &str)> {
    realm.map(|realm| ("realm", realm)).into_iter().collect()
}

/// `USER@REALM` or `REALM`, as the service is asked for it.
pub(super) fn named(of: &str) -> Vec<(&str, &str)> {
    match of.rsplit_once('@') {
        Some((username, realm)) => vec![("realm", realm), ("username", username)],
        None => vec![("realm", of)],
    }
}
