//! The proxy and the phones do as production's do: `scripts/test -p lab`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeSet, time::Duration};

use anyhow::{bail, ensure};
use lab::{
    amqp::{Client, Tap},
    broker,
    directory::Directory,
    kamailio::{Kamailio, Options},
    management::Vhost,
    phones::Phones,
    subscribers::{Subscriber, generate},
    wait,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
/// What is published within this time counts as published.
const QUIET: Duration = Duration::from_secs(1);
const REALM: &str = "red.example.com";
const EXPIRES: u32 = 600;
/// What a proxy in production answered.
const SYNC_REPLY: &str =
    include_str!("../../../fixtures/captures/case-reg-sync-reply-status-success-on-targeted.json");

/// A broker with a directory, and a client to listen in.
struct World {
    vhost: Vhost,
    client: Client,
    subscribers: Vec<Subscriber>,
    _directory: Directory,
}

impl World {
    async fn of(realms: &[&str], per_realm: usize) -> anyhow::Result<Self> {
        let vhost = broker::vhost().await?;
        let subscribers = generate(realms, per_realm);
        Ok(Self {
            _directory: Directory::start(vhost.uri(), &subscribers).await?,
            client: Client::connect(vhost.uri()).await?,
            vhost,
            subscribers,
        })
    }

    /// A proxy of that name, once it listens to the broker in all its roles.
    async fn proxy(&self, hostname: &str) -> anyhow::Result<Kamailio> {
        let options = Options {
            hostname: hostname.into(),
            db_timer: 1,
            ..Options::default()
        };
        let proxy = Kamailio::start(self.vhost.uri(), &options).await?;
        wait::until("the proxy to listen", PATIENCE, async || {
            for role in ["flush", "sync", "api"] {
                let queue = format!("registrar-{role}-{hostname}");
                let queue = self.vhost.queue(&queue).await?;
                ensure!(queue.consumers > 0, "nobody listens to {}", queue.name);
            }
            Ok(())
        })
        .await?;
        Ok(proxy)
    }

    /// They register, and the proxy's database has them.
    async fn register(&self, proxy: &Kamailio, users: &[Subscriber]) -> anyhow::Result<Phones> {
        let phones = Phones::new()?;
        phones.register(proxy.sip_port(), users, EXPIRES).await?;
        in_database(proxy, users.len()).await?;
        Ok(phones)
    }

    /// Asks the proxies; returns where the answers come.
    async fn ask(&self, key: &str, mut question: Value) -> anyhow::Result<Tap> {
        let asker = format!("asker-{}", uuid::Uuid::new_v4().simple());
        let tap = self.client.tap("targeted", &asker).await?;
        question["Server-ID"] = asker.into();
        question["App-Name"] = "ecallmgr".into();
        question["App-Version"] = "4.0.0".into();
        question["Node"] = "ecallmgr@lab".into();
        let body = question.to_string();
        self.client
            .publish("registrar", key, body.as_bytes())
            .await?;
        Ok(tap)
    }

    async fn sync(&self) -> anyhow::Result<Tap> {
        let question = json!({
            "Msg-ID": "sync-1", "Event-Category": "directory", "Event-Name": "reg_sync",
        });
        self.ask("registration.sync", question).await
    }

    async fn search(&self, kind: &str, realm: &str, user: Option<&str>) -> anyhow::Result<Tap> {
        let mut question = json!({
            "Msg-ID": "search-1", "Event-Category": "registration", "Event-Name": "search_req",
            "Search-Type": kind, "Realm": realm,
        });
        if let Some(user) = user {
            question["Username"] = user.into();
        }
        self.ask("registration.search_req.any", question).await
    }
}

/// So many messages, and not one more.
async fn take(tap: &mut Tap, count: usize) -> anyhow::Result<Vec<Value>> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(tap.next(PATIENCE).await?.json()?);
    }
    let more = tap.drain(QUIET).await;
    ensure!(more.is_empty(), "more than {count} came: {more:?}");
    Ok(messages)
}

/// What so many parts of an answer hold. Its end is among them, or before them, or after.
async fn parts(mut answers: Tap, count: usize) -> anyhow::Result<Vec<Vec<Value>>> {
    let (mut ends, mut parts) = (0, Vec::new());
    for message in take(&mut answers, count + 1).await? {
        assert_eq!(names(&message), with_headers(&["Registrations"]));
        assert_eq!(message["Msg-ID"], "search-1");
        assert_eq!(message["Event-Category"], "registration");
        let found = message["Registrations"].as_array().unwrap().clone();
        if message["Event-Name"] == "search_resp" {
            assert_eq!(found, Vec::<Value>::new());
            ends += 1;
        } else {
            assert_eq!(message["Event-Name"], "search_partial_resp");
            parts.push(found);
        }
    }
    assert_eq!(ends, 1);
    Ok(parts)
}

async fn in_database(proxy: &Kamailio, count: usize) -> anyhow::Result<()> {
    let database = async || proxy.database_len();
    wait::until_eq("the proxy's database", PATIENCE, &count, database).await
}

fn aors<'a>(subscribers: impl IntoIterator<Item = &'a Subscriber>) -> BTreeSet<String> {
    let aor = |s: &Subscriber| format!("{}@{}", s.username, s.realm);
    subscribers.into_iter().map(aor).collect()
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap()
}

/// The names of an object's fields.
fn names(object: &Value) -> BTreeSet<&str> {
    let fields = object.as_object().unwrap();
    fields.keys().map(String::as_str).collect()
}

/// Those, and the ones that every message of a proxy has.
fn with_headers<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    let headers = [
        "Event-Category",
        "Event-Name",
        "App-Name",
        "App-Version",
        "Node",
        "Msg-ID",
        "Server-ID",
    ];
    names.iter().copied().chain(headers).collect()
}

#[tokio::test]
async fn a_sync_tells_of_every_phone_in_the_database() -> anyhow::Result<()> {
    let world = World::of(&[REALM, "blue.example.com"], 60).await?;
    let proxy = world.proxy("kam1.lab.local").await?;
    let phones = world.register(&proxy, &world.subscribers).await?;
    let told = take(&mut world.sync().await?, 120).await?;
    let aor = |m: &Value| format!("{}@{}", text(m, "Username"), text(m, "Realm"));
    assert_eq!(
        told.iter().map(aor).collect::<BTreeSet<_>>(),
        aors(&world.subscribers)
    );
    let recorded: Value = serde_json::from_str(SYNC_REPLY)?;
    let recorded: Value = serde_json::from_str(text(&recorded, "body"))?;
    for message in &told {
        assert_eq!(names(message), names(&recorded));
        let (user, expires) = (text(message, "Username"), &message["Expires"]);
        let contact = format!("sip:{user}@127.0.0.1:{}", phones.port());
        assert_eq!(message["Contact"], contact);
        assert!((1..=u64::from(EXPIRES)).contains(&expires.as_u64().unwrap()));
        assert_eq!(message["Status"], "Success");
        assert_eq!(message["First-Registration"], false);
        assert_eq!(message["Node"], "kamailio@kam1.lab.local");
        assert_eq!(message["Custom-Channel-Vars"]["Username"], user);
        let path = format!("sip:127.0.0.1:{}", proxy.sip_port());
        assert_eq!(message["Proxy-Path"], path);
    }
    Ok(())
}

#[tokio::test]
async fn a_summary_comes_in_parts_of_fifty() -> anyhow::Result<()> {
    let world = World::of(&[REALM, "blue.example.com"], 120).await?;
    let proxy = world.proxy("kam1.lab.local").await?;
    world.register(&proxy, &world.subscribers).await?;
    let answers = world.search("summary", "Red.Example.com", None).await?;
    let found = parts(answers, 3).await?;
    let mut sizes: Vec<_> = found.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 50, 50]);
    let found = found.iter().flatten().map(|aor| aor.as_str().unwrap());
    assert_eq!(
        found.map(str::to_owned).collect::<BTreeSet<_>>(),
        aors(&world.subscribers[..120])
    );
    let none = world.search("summary", "green.example.com", None).await?;
    assert_eq!(parts(none, 0).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn details_come_one_by_one() -> anyhow::Result<()> {
    let world = World::of(&[REALM], 3).await?;
    let proxy = world.proxy("kam1.lab.local").await?;
    let phones = world.register(&proxy, &world.subscribers).await?;
    let found = parts(world.search("detail", REALM, None).await?, 3).await?;
    let mut who = BTreeSet::new();
    for part in &found {
        let [contact] = part.as_slice() else {
            bail!("not one contact: {part:?}");
        };
        who.insert(text(contact, "AOR").to_owned());
        let fields = [
            "AOR",
            "Contact",
            "Received",
            "Path",
            "Expires",
            "Call-ID",
            "CSeq",
            "Last-Modified",
            "User-Agent",
            "Socket",
        ];
        assert_eq!(names(contact), BTreeSet::from(fields));
        let port = phones.port();
        assert_eq!(contact["Received"], format!("sip:127.0.0.1:{port}"));
        assert_eq!(contact["Path"], "<null>");
        assert_eq!(contact["CSeq"], "2");
        assert_eq!(contact["User-Agent"], "labphone/1.0");
        let socket = format!("udp:127.0.0.1:{}", proxy.sip_port());
        assert_eq!(contact["Socket"], socket);
        let modified: u64 = text(contact, "Last-Modified").parse()?;
        let lifetime = contact["Expires"].as_u64().unwrap() - modified;
        assert!(lifetime.abs_diff(EXPIRES.into()) <= 1, "{contact}");
    }
    assert_eq!(who, aors(&world.subscribers));
    let one = world.search("detail", REALM, Some("User002")).await?;
    let one = parts(one, 1).await?;
    assert_eq!(one[0][0]["AOR"], "user002@red.example.com");
    Ok(())
}

#[tokio::test]
async fn an_apostrophe_is_in_every_message_but_the_syncs() -> anyhow::Result<()> {
    let world = World::of(&[REALM], 1).await?;
    let proxy = world.proxy("kam1.lab.local").await?;
    let mut events = world.client.tap("registrar", "registration.#").await?;
    let agent = r#"Bob's "best" phone"#;
    let phones = Phones::new()?.with_agent(agent);
    phones
        .register(proxy.sip_port(), &world.subscribers, EXPIRES)
        .await?;
    assert_eq!(take(&mut events, 1).await?[0]["User-Agent"], agent);
    in_database(&proxy, 1).await?;
    let found = parts(world.search("detail", REALM, None).await?, 1).await?;
    assert_eq!(found[0][0]["User-Agent"], agent);
    take(&mut world.sync().await?, 0).await?;
    Ok(())
}
