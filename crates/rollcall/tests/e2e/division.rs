//! Accounts divided over three nodes on a real broker.

use std::path::Path;

use anyhow::{Context as _, ensure};
use lab::{
    amqp::Client,
    broker::vhost,
    management::Vhost,
    phones::Phones,
    rollcall::{Rollcall, TOKEN},
    subscribers::{account_id, generate},
    wait,
};
use nix::sys::signal::Signal;
use registration::{Clock as _, SystemClock, UnixSeconds};
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    world::{PATIENCE, PROGRAM, REALMS},
};

const NAMES: [&str; 3] = ["rollcall@one", "rollcall@two", "rollcall@three"];
const ACCOUNTS: usize = 4;
const REALMS_EACH: usize = 5;
const PHONES_EACH: usize = 4;
const ALL: usize = ACCOUNTS * REALMS_EACH * PHONES_EACH;

fn members(names: &[&str]) -> String {
    names.join(",")
}

async fn start(uri: &str, name: &str, all: &[&str], replicas: usize) -> anyhow::Result<Rollcall> {
    start_with(
        uri,
        name,
        all,
        &[("CLUSTER__REPLICAS", &replicas.to_string())],
    )
    .await
}

async fn start_with(
    uri: &str,
    name: &str,
    all: &[&str],
    more: &[(&str, &str)],
) -> anyhow::Result<Rollcall> {
    let members = members(all);
    let mut settings = vec![
        ("AMQP__NODE", name),
        ("AMQP__RECONNECT_MAX", "1000"),
        ("CLUSTER__MEMBERS", &members),
    ];
    settings.extend(more);
    let node = Rollcall::start(Path::new(PROGRAM), uri, &settings).await?;
    node.ready().await?;
    Ok(node)
}

async fn start_all(uri: &str, all: &[&str], replicas: usize) -> anyhow::Result<Vec<Rollcall>> {
    let mut nodes = Vec::new();
    for name in all {
        nodes.push(start(uri, name, all, replicas).await?);
    }
    Ok(nodes)
}

/// An account's first realm is its own; phones in the others name it all the same.
fn realm(account: usize, number: usize) -> String {
    format!("r{number}.account{account}.example.com")
}

fn account(number: usize) -> String {
    account_id(&realm(number, 0))
}

/// A phone's event as a proxy sends it.
async fn tell(client: &Client, account: usize, number: usize, phone: usize) -> anyhow::Result<()> {
    let (username, realm) = (format!("user{phone}"), realm(account, number));
    // Realms compare without regard to case, and so they are divided.
    let spelled = if phone == 0 {
        realm.to_uppercase()
    } else {
        realm
    };
    let event = json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Status": "Registered",
        "Username": username, "Realm": spelled, "Contact": format!("<sip:{username}@192.0.2.{phone}:5060>"),
        "Expires": 600, "Event-Timestamp": SystemClock.now().seconds().0, "First-Registration": true,
        "Node": "kamailio@a", "User-Agent": "a \"phone\"", "Call-ID": "c",
        "Custom-Channel-Vars": {
            "Account-ID": crate::division::account(account), "Authorizing-ID": format!("d{account}{number}{phone}"),
            "Account-Realm": crate::division::realm(account, 0),
        },
    });
    let key = kapi::success_key(&spelled, &username);
    let body = event.to_string();
    client.publish("registrar", &key, body.as_bytes()).await
}

async fn tell_all(client: &Client) -> anyhow::Result<()> {
    for account in 0..ACCOUNTS {
        for number in 0..REALMS_EACH {
            for phone in 0..PHONES_EACH {
                tell(client, account, number, phone).await?;
            }
        }
    }
    Ok(())
}

async fn count(node: &Rollcall) -> anyhow::Result<u64> {
    let (status, body) = node.call("GET", "/v2/registrations/count").await?;
    ensure!(status == 200, "{status} {body}");
    body["data"]["count"].as_u64().context("no count")
}

async fn holds(node: &Rollcall, all: usize) -> anyhow::Result<()> {
    wait::until_eq(
        "the nodes to hold all",
        PATIENCE,
        &(all as u64),
        async || count(node).await,
    )
    .await
}

/// Until then, nodes that are asked one after the other may differ.
async fn are_refreshed(node: &Rollcall, since: UnixSeconds) -> anyhow::Result<()> {
    let last = async || {
        let (status, body) = node.call("GET", "/v2/registrations").await?;
        ensure!(status == 200, "{status} {body}");
        let all = body["data"].as_array().context("no list")?;
        let refreshed = |one: &&Value| one["event_timestamp"].as_u64() >= Some(since.gregorian());
        Ok(all.iter().filter(refreshed).count())
    };
    wait::until_eq("all to be refreshed", PATIENCE, &ALL, last).await
}

/// The bytes of an answer, if it is a table; what they hash to, if it is JSON.
async fn data(node: &Rollcall, path: &str) -> anyhow::Result<String> {
    if path.contains("csv") {
        let url = format!("http://127.0.0.1:{}{path}", node.port());
        let request = reqwest::Client::new()
            .get(url)
            .header("X-Auth-Token", TOKEN);
        return Ok(request.send().await?.error_for_status()?.text().await?);
    }
    let (status, body) = node.call("GET", path).await?;
    ensure!(status == 200, "{path}: {status} {body}");
    let revision = body["revision"].as_str().context("no revision")?;
    let next = &body["next_start_key"];
    Ok(format!(
        "{revision} {} {next} {}",
        body["page_size"], body["data"]
    ))
}

fn paths() -> Vec<String> {
    let mut paths = vec![
        "/v2/registrations".to_owned(),
        "/v2/registrations?page_size=7".into(),
        "/v2/registrations?accept=csv".into(),
        "/v2/registrations?filter_username=user1&page_size=3".into(),
        "/v2/registrations/count".into(),
    ];
    for number in 0..ACCOUNTS {
        let account = format!("/v2/accounts/{}", account(number));
        for rest in [
            "registrations",
            "registrations?page_size=6",
            "registrations?accept=csv",
            "registrations?filter_username=user2",
            "registrations/count",
            "registrations/USER3",
            "devices/status",
        ] {
            paths.push(format!("{account}/{rest}"));
        }
    }
    paths
}

/// All nodes give the same answers, and those are what there is.
async fn agree(nodes: &[Rollcall]) -> anyhow::Result<Vec<String>> {
    let mut answers = Vec::new();
    for path in paths() {
        let first = data(&nodes[0], &path).await?;
        for node in &nodes[1..] {
            let other = data(node, &path).await?;
            ensure!(other == first, "{path}: {first} and {other}");
        }
        answers.push(first);
    }
    let each = nodes[0].list(&account(0)).await?.len();
    ensure!(each == REALMS_EACH * PHONES_EACH, "{each}");
    Ok(answers)
}

/// Stops a node; what it has counted.
fn counts(node: &mut Rollcall) -> anyhow::Result<impl Fn(&str, &str) -> u64 + use<>> {
    node.process().signal(Signal::SIGTERM);
    node.process().wait(PATIENCE)?;
    let log = node.log();
    Ok(move |kind: &str, reason: &str| {
        let wanted = format!("kind=\"{kind}\" reason=\"{reason}\" count=");
        let line = log.lines().find_map(|line| line.split_once(&*wanted));
        line.and_then(|(_, count)| count.trim().parse().ok())
            .unwrap_or_default()
    })
}

#[tokio::test]
async fn each_event_is_on_one_node_and_each_node_answers_for_all() -> anyhow::Result<()> {
    for (replicas, copies) in [(1, 1), (2, 2)] {
        let vhost = vhost().await?;
        let mut nodes = start_all(vhost.uri(), &NAMES, replicas).await?;
        let client = Client::connect(vhost.uri()).await?;
        tell_all(&client).await?;
        for node in &nodes {
            holds(node, ALL).await?;
        }
        agree(&nodes).await?;
        let unknown = format!("/v2/accounts/{}/registrations", "0".repeat(32));
        ensure!(nodes[1].call("GET", &unknown).await?.0 == 404);

        // By now the broker knows every realm.
        tell_all(&client).await?;
        pages(&nodes).await?;
        let (mut stored, mut handed_on, mut least) = (0, 0, u64::MAX);
        for node in &mut nodes {
            let count = counts(node)?;
            let here = count("stored", "registered");
            stored += here;
            least = least.min(here);
            handed_on += count("division", "handed_on");
            ensure!(count("ignored", "elsewhere") == 0 && count("division", "lost") == 0);
        }
        ensure!(
            stored == copies * ALL as u64,
            "{stored} stored with {replicas} replicas"
        );
        ensure!(least > 0, "a node has none");
        let realms = (ACCOUNTS * REALMS_EACH) as u64;
        ensure!(
            (realms..=ALL as u64).contains(&handed_on),
            "{handed_on} handed on"
        );
    }
    Ok(())
}

/// Page by page, each from the next node, all are seen once.
async fn pages(nodes: &[Rollcall]) -> anyhow::Result<()> {
    let mut seen = Vec::new();
    let mut start = String::new();
    for node in nodes.iter().cycle() {
        let (_, body) = node
            .call("GET", &format!("/v2/registrations?page_size=9{start}"))
            .await?;
        let page = body["data"].as_array().context("no page")?;
        seen.extend(
            page.iter()
                .map(|r| format!("{}@{}", r["username"], r["realm"])),
        );
        match body["next_start_key"].as_str() {
            Some(key) => start = format!("&start_key={key}"),
            None => break,
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    ensure!(
        (all, seen.len()) == (ALL, ALL),
        "{all} shown, {} of them different",
        seen.len()
    );
    Ok(())
}

#[tokio::test]
async fn a_node_killed_and_started_again_loses_nothing() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let mut nodes = start_all(vhost.uri(), &NAMES, 1).await?;
    let client = Client::connect(vhost.uri()).await?;
    tell_all(&client).await?;
    for node in &nodes {
        holds(node, ALL).await?;
    }
    drop(nodes.remove(1));
    let list = format!("/v2/accounts/{}/registrations", account(1));
    for (method, path) in [
        ("GET", &*list),
        ("DELETE", &list),
        ("GET", "/v2/registrations/count"),
    ] {
        let begun = std::time::Instant::now();
        let (status, body) = nodes[0].call(method, path).await?;
        ensure!(status == 503, "{status} {body}");
        ensure!(body["message"] == "owner_unreachable", "{body}");
        ensure!(body["data"]["nodes"] == json!([NAMES[1]]), "{body}");
        ensure!(begun.elapsed() < PATIENCE / 2);
    }
    // Its queue keeps what it has to have, and one event of each phone is all there is.
    let held = strays_of(&vhost).await?;
    ensure!(held == 0, "{held}");
    tell_all(&client).await?;
    nodes.insert(1, start(vhost.uri(), NAMES[1], &NAMES, 1).await?);
    for node in &nodes {
        holds(node, ALL).await?;
    }
    agree(&nodes).await?;
    Ok(())
}

/// What waits in the queue of strays.
async fn strays_of(vhost: &Vhost) -> anyhow::Result<u64> {
    Ok(vhost.queue("rollcall-stray").await?.messages)
}

#[tokio::test]
async fn with_replicas_nobody_notices_that_a_node_is_gone() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let mut nodes = start_all(vhost.uri(), &NAMES, 2).await?;
    let client = Client::connect(vhost.uri()).await?;
    tell_all(&client).await?;
    for node in &nodes {
        holds(node, ALL).await?;
    }
    let before = agree(&nodes).await?;
    drop(nodes.remove(2));
    ensure!(agree(&nodes).await? == before);

    // Even its queue is gone: it learns all from the others.
    vhost
        .delete_queue(&format!("rollcall-registrar-{}", NAMES[2]))
        .await?;
    nodes.push(start(vhost.uri(), NAMES[2], &NAMES, 2).await?);
    drop(nodes.remove(0));
    ensure!(agree(&nodes).await? == before);
    Ok(())
}

/// No proxy is there to be asked: what a node had before it was restarted is in its snapshot.
#[tokio::test]
async fn one_more_node_and_nothing_is_lost() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let home = tempfile::tempdir()?;
    let start = async |name: &str, all: &[&str]| {
        let file = home.path().join(name);
        let file = file.to_str().context("no text")?;
        start_with(vhost.uri(), name, all, &[("SNAPSHOT__FILE", file)]).await
    };
    let two = &NAMES[..2];
    let mut nodes = vec![start(two[0], two).await?, start(two[1], two).await?];
    let client = Client::connect(vhost.uri()).await?;
    tell_all(&client).await?;
    holds(&nodes[0], ALL).await?;
    let before = agree(&nodes).await?;

    // As docs/cluster.md has it: the new one first, then the others one by one.
    nodes.push(start(NAMES[2], &NAMES).await?);
    for (at, name) in two.iter().enumerate() {
        let mut old = nodes.remove(at);
        old.process().signal(Signal::SIGTERM);
        old.process().wait(PATIENCE)?;
        drop(old);
        nodes.insert(at, start(name, &NAMES).await?);
        holds(&nodes[2], ALL).await?;
    }
    ensure!(agree(&nodes).await? == before);
    let since = SystemClock.now().seconds();
    tell_all(&client).await?;
    are_refreshed(&nodes[0], since).await?;
    agree(&nodes).await?;
    let mut refreshed = 0;
    for node in &mut nodes {
        let count = counts(node)?;
        let own =
            count("stored", "refreshed") + count("ignored", "known") + count("ignored", "stale");
        ensure!(own + count("stored", "registered") > 0, "a node has none");
        refreshed += count("stored", "refreshed");
    }
    ensure!(refreshed == ALL as u64, "{refreshed} refreshed");
    Ok(())
}

/// With a real proxy: what is flushed by way of a node that does not have it goes there and at its
/// owner; and a Kazoo node that asks hears one answer, and a whole one.
#[tokio::test]
async fn flushes_and_questions_reach_the_owner() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let cluster = Cluster::start(vhost.uri(), 1, generate(&REALMS, 3)).await?;
    let nodes = start_all(vhost.uri(), &NAMES, 1).await?;
    let phones = Phones::new()?;
    phones
        .register(cluster.port(0), &cluster.subscribers, 600)
        .await?;
    for node in &nodes {
        holds(node, 9).await?;
    }
    let asker = "crossbar@kazoo1-asker";
    let client = Client::connect(vhost.uri()).await?;
    let mut answers = client.tap("targeted", asker).await?;
    let question = json!({
        "Event-Category": "directory", "Event-Name": "reg_query", "App-Name": "crossbar", "App-Version": "5.0.0",
        "Node": "crossbar@kazoo1", "Msg-ID": "m1", "Server-ID": asker, "Realm": REALMS[0], "Fields": [],
    });
    let key = kapi::query_key(Some(REALMS[0]));
    client
        .publish("registrar", &key, question.to_string().as_bytes())
        .await?;
    let answer: Value = answers.next(PATIENCE).await?.json()?;
    ensure!(
        answer["Fields"].as_array().map(Vec::len) == Some(3),
        "{answer}"
    );
    let more = answers.drain(std::time::Duration::from_secs(1)).await;
    ensure!(more.is_empty(), "{} answers more", more.len());

    let database = async || cluster.proxies[0].database_len();
    wait::until_eq("Kamailio's database", PATIENCE, &9, database).await?;
    for (node, realm) in nodes.iter().zip(REALMS) {
        let path = format!("/v2/accounts/{}/registrations", account_id(realm));
        let (status, body) = node.call("DELETE", &path).await?;
        ensure!(
            status == 200 && body.get("warning").is_none(),
            "{status} {body}"
        );
    }
    wait::until_eq("the proxy to forget", PATIENCE, &0, async || {
        Ok(cluster.truth().await?.len())
    })
    .await?;
    for node in &nodes {
        holds(node, 0).await?;
    }
    // Not registered any more, wherever it is asked.
    let path = format!(
        "/v2/accounts/{}/registrations/user001",
        account_id(REALMS[0])
    );
    for node in &nodes {
        ensure!(node.call("DELETE", &path).await?.0 == 404);
    }
    Ok(())
}

/// Changes are told where all of them are known.
#[tokio::test]
async fn changes_are_followed_at_the_owner() -> anyhow::Result<()> {
    let vhost = vhost().await?;
    let nodes = start_all(vhost.uri(), &NAMES, 1).await?;
    let client = Client::connect(vhost.uri()).await?;
    tell(&client, 0, 0, 1).await?;
    holds(&nodes[0], 1).await?;
    let mut followed = Vec::new();
    for (node, name) in nodes.iter().zip(NAMES) {
        let path = format!("/v2/accounts/{}/registrations/events", account(0));
        let url = format!("http://127.0.0.1:{}{path}", node.port());
        let request = reqwest::Client::new()
            .get(url)
            .header("X-Auth-Token", TOKEN);
        let response = request.send().await?;
        if response.status() == 200 {
            followed.push(name);
        } else {
            ensure!(response.status() == 421, "{}", response.status());
            let body: Value = response.json().await?;
            ensure!(body["message"] == "not_owner", "{body}");
        }
    }
    ensure!(followed.len() == 1, "{followed:?}");
    Ok(())
}
