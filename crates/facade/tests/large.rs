//! An account with a hundred thousand registrations: a process of its own, so that its memory can
//! be watched.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    collections::{HashMap, HashSet},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use facade::{Facade, ServerSettings, Throttle, ThrottleSettings, auth::Auth, serve};
use registrar::{
    Accounts, Bus, BusFuture, Delivery, Feed, Publication, Receipt, Registrar, Settings,
};
use registration::{Clock, SystemClock, Zone};
use serde_json::{Value, json};

const ACCOUNT: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
const CONSTANT: usize = 100_000;

struct NoBus;

impl Bus for NoBus {
    fn publish<'a>(&'a self, _: &'a Publication) -> BusFuture<'a> {
        Box::pin(async { Receipt::default() })
    }
}

fn event(username: &str, time: u64, expires: u32) -> Vec<u8> {
    json!({
        "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": time, "Expires": expires,
        "Contact": format!("<sip:{username}@192.0.2.1:5062>"), "Realm": "large.example.com", "Username": username,
        "Account-ID": ACCOUNT, "User-Agent": "Yealink SIP-T46S 66.84.0.15", "Call-ID": format!("{username}@192.0.2.1"),
        "Proxy-Path": "sip:192.0.2.100:5060;transport=udp", "Authorizing-ID": "d1d2d3d4d5d6d7d8d9dadbdcdddedfd0",
    })
    .to_string()
    .into_bytes()
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

fn start() -> (Arc<Registrar>, String) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (feed, _) = Feed::new(1);
    let registrar = Arc::new(Registrar::new(
        Settings::new(kapi::Identity::new("rollcall@large").unwrap()),
        Accounts::new(HashMap::new()),
        Arc::new(NoBus),
        Arc::clone(&clock),
        Vec::new(),
    ));
    let zone = Zone::new("local");
    let now = clock.now().seconds().0;
    for number in 0..CONSTANT {
        let body = event(&format!("user{number:06}"), now, 3600);
        registrar.deliver(Delivery::new(&zone, &body));
    }
    let facade = Facade {
        registrar: Arc::clone(&registrar),
        auth: Auth::None,
        description: String::new(),
        feed,
        summary: facade::Summary::new(Arc::clone(&clock)).0,
        throttle: Arc::new(Throttle::new(ThrottleSettings {
            requests: None,
            failures: 1,
        })),
        clock,
        node: "rollcall@large".into(),
        metrics: facade::Metrics::default(),
        echo_token: false,
    };
    let settings = ServerSettings {
        workers: 1,
        max_body_bytes: 1024,
        max_connections: 100,
        keep_alive: Duration::from_secs(5),
        request_timeout: Duration::from_secs(5),
        certificate: None,
        drain_timeout: Duration::from_secs(1),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!(
        "http://{}/v2/accounts/{ACCOUNT}/registrations",
        listener.local_addr().unwrap()
    );
    tokio::spawn(serve(facade, listener, &settings).unwrap());
    (registrar, base)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_streamed_and_walked_whole_while_others_come_and_go() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (registrar, base) = start();
    let client = reqwest::Client::new();
    // The first answer, so that what is kept from it counts as before.
    client.get(format!("{base}/count")).send().await.unwrap();

    let before = resident();
    let mut response = client.get(&base).send().await.unwrap();
    let (mut bytes, mut most) = (0, 0);
    while let Some(chunk) = response.chunk().await.unwrap() {
        bytes += chunk.len();
        most = most.max(resident());
    }
    assert!(bytes > CONSTANT * 500, "{bytes}");
    let grown = most.saturating_sub(before);
    assert!(
        grown < 16 << 20,
        "{bytes} bytes were sent, and memory grew by {grown}"
    );

    let stop = Arc::new(AtomicBool::new(false));
    let churning = {
        let (registrar, stop) = (Arc::clone(&registrar), Arc::clone(&stop));
        std::thread::spawn(move || {
            let zone = Zone::new("local");
            let mut rounds = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let now = SystemClock.now().seconds().0;
                for number in 0..1000 {
                    let user = format!("user{:06}churn{}", number * 97, rounds % 3);
                    let expires = if rounds.is_multiple_of(2) { 600 } else { 0 };
                    registrar.deliver(Delivery::new(&zone, &event(&user, now, expires)));
                }
                rounds += 1;
            }
            rounds
        })
    };
    let (mut seen, mut start, mut pages) = (HashSet::new(), String::new(), 0);
    loop {
        let page: Value = client
            .get(format!("{base}?page_size=10000{start}"))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        for registration in page["data"].as_array().unwrap() {
            let user = registration["username"].as_str().unwrap();
            if !user.contains("churn") {
                assert!(seen.insert(user.to_owned()), "{user} came twice");
            }
        }
        pages += 1;
        let Some(next) = page["next_start_key"].as_str() else {
            break;
        };
        start = format!("&start_key={next}");
    }
    stop.store(true, Ordering::Relaxed);
    assert!(churning.join().unwrap() > 3);
    assert!(pages >= 10);
    assert_eq!(seen.len(), CONSTANT);
}
