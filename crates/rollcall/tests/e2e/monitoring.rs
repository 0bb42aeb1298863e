//! Metrics of a running service, judged by promtool; and that what watches them watches what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use lab::{ports::free_tcp, rollcall::TOKEN, wait};
use serde_json::Value;

use crate::{service::Service, world::PATIENCE};

/// Of every metric the labels that it has.
type Known = BTreeMap<String, BTreeSet<String>>;

/// What Prometheus itself adds.
const ADDED: [&str; 3] = ["instance", "job", "le"];
/// How our metrics' names begin.
const OURS: [&str; 2] = ["rollcall_", "process_"];

fn monitoring(file: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/monitoring");
    PathBuf::from(folder).join(file)
}

fn promtool(arguments: &[&str], input: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut promtool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("promtool is in Debian's package prometheus: scripts/packages installs it")?;
    let mut stdin = promtool.stdin.take().context("no stdin")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = promtool.wait_with_output()?;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    Ok(())
}

fn known(text: &str) -> Known {
    let mut known = Known::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((sample, _)) = line.rsplit_once(' ') else {
            continue;
        };
        let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
        let keys = labels.split(',').filter_map(|label| label.split_once('='));
        let of = known.entry(name.to_owned()).or_default();
        of.extend(keys.map(|(key, _)| key.to_owned()));
    }
    known
}

/// The metrics that an expression names, each with the labels that it is narrowed by.
fn named(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_part) {
        rest = rest.split_at(start).1;
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if !OURS.iter().any(|start| word.starts_with(start)) {
            continue;
        }
        let matchers = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'));
        let matchers = matchers.map_or("", |(matchers, _)| matchers);
        let keys = matchers.split(',').filter_map(|matcher| {
            let key = matcher.trim().split(|c| !is_part(c)).next()?;
            (!key.is_empty() && matcher.contains('=')).then(|| key.to_owned())
        });
        found.push((word.to_owned(), keys.collect()));
    }
    found
}

fn check(known: &Known, place: &str, expression: &str) -> anyhow::Result<usize> {
    let named = named(expression);
    for (name, labels) in &named {
        let has = known
            .get(name)
            .with_context(|| format!("{place}: there is no metric {name}"))?;
        for label in labels {
            let there = has.contains(label) || ADDED.contains(&label.as_str());
            ensure!(there, "{place}: {name} has no label {label}");
        }
    }
    Ok(named.len())
}

/// Every `expr` and template query of a dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text)
                        if key == "expr" || (key == "query" && text.contains("rollcall_")) =>
                    {
                        found.push(text.clone());
                    }
                    other => expressions(other, found),
                }
            }
        }
        Value::Array(array) => array.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn promtool_takes_the_metrics_and_rules_and_dashboards_name_only_what_there_is()
-> anyhow::Result<()> {
    let port = free_tcp()?.to_string();
    let service = Service::start(&[("METRICS__PORT", &port)]).await?;
    let client = reqwest::Client::new();
    let main = format!("http://127.0.0.1:{}/metrics", service.rollcall.port());
    let open = format!("http://127.0.0.1:{port}/metrics");
    ensure!(
        client.get(&main).send().await?.status() == 401,
        "on the API's port with a token only"
    );
    let with_token = client
        .get(&main)
        .header("Authorization", format!("Bearer {TOKEN}"));
    ensure!(with_token.send().await?.status() == 200);
    let missing = format!("http://127.0.0.1:{port}/v2/registrations");
    ensure!(
        client.get(missing).send().await?.status() == 404,
        "nothing else is there"
    );
    for path in [
        "/readyz",
        "/v2/accounts/x'y/registrations?a=secret",
        "/nowhere/42",
    ] {
        service.rollcall.call("GET", path).await?;
    }
    service
        .amqp
        .publish("registrar", "registration.success.a.b", b"no JSON")
        .await?;

    let text = wait::until("all metrics", PATIENCE, async || {
        let text = client.get(&open).send().await?.text().await?;
        for sample in [
            "rollcall_registrations{zone=\"local\"} 4",
            "rollcall_queue_messages{zone=\"local\"}",
            "rollcall_broker_state{zone=\"local\",state=\"consuming\"} 1",
            "rollcall_broker_reconnects_total{zone=\"local\"} 0",
            "rollcall_drops_total{reason=\"not_json\"} 1",
            "rollcall_ready 1",
            "process_resident_memory_bytes ",
        ] {
            ensure!(text.contains(sample), "no {sample} in {text}");
        }
        Ok(text)
    });
    let text = text.await?;
    for input in ["secret", "x'y", "nowhere", "acme.example.com", "amy"] {
        ensure!(!text.contains(input), "{input} came in and is a label now");
    }
    promtool(&["check", "metrics"], &text)?;
    let wants = "application/openmetrics-text; version=1.0.0";
    let openmetrics = client.get(&open).header("Accept", wants).send().await?;
    ensure!(openmetrics.text().await?.ends_with("# EOF\n"));

    let [rules, tests] = ["rules.yml", "rules_test.yml"].map(monitoring);
    let [rules, tests] = [&rules, &tests].map(|path| path.to_str().unwrap());
    promtool(&["check", "rules", rules], "")?;
    promtool(&["test", "rules", tests], "")?;
    let known = known(&text);
    let rules_text = fs::read_to_string(rules)?;
    let uncommented = rules_text.lines().filter(|line| {
        let line = line.trim_start();
        !["summary:", "remedy:", "#"]
            .iter()
            .any(|start| line.starts_with(start))
    });
    let rules_text = uncommented.collect::<Vec<_>>().join("\n");
    ensure!(check(&known, "rules.yml", &rules_text)? > 10);
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(monitoring("dashboard.json"))?)?;
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    ensure!(found.len() > 15, "{}", found.len());
    for expression in &found {
        let count = check(&known, "dashboard.json", expression)?;
        ensure!(count > 0, "dashboard.json: {expression} names no metric");
    }
    reference(&known)
}

/// That docs/metrics.md has a row for each metric, and for no other.
fn reference(known: &Known) -> anyhow::Result<()> {
    let page = fs::read_to_string(monitoring("../metrics.md"))?;
    let rows = page.lines().filter_map(|line| {
        let name = line.strip_prefix("| `")?.split('`').next()?;
        OURS.iter()
            .any(|start| name.starts_with(start))
            .then(|| name.to_owned())
    });
    let described: BTreeSet<_> = rows.collect();
    let base = |name: &str| {
        let parts = ["_bucket", "_sum", "_count"];
        let base = parts.iter().find_map(|part| name.strip_suffix(part));
        base.unwrap_or(name).to_owned()
    };
    let there: BTreeSet<_> = known.keys().map(|name| base(name)).collect();
    ensure!(
        described == there,
        "docs/metrics.md: {:?}",
        described.symmetric_difference(&there)
    );
    Ok(())
}
