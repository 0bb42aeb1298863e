//! A running facade over a registrar with phones, and a bus that remembers or fails.

use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use facade::{
    Certificate, Facade, ServerSettings, Summary, Throttle, ThrottleSettings,
    auth::{Auth, StaticTokens},
    serve,
};
use registrar::{
    Accounts, Bus, BusFuture, Delivery, Feed, Publication, PublishFailure, Receipt, Registrar,
    Settings,
};
use registration::{AccountId, ManualClock, UnixMillis, Zone};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const T0: u64 = 1_795_425_485;
pub(crate) const ACME: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";
pub(crate) const EMPTY: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
pub(crate) const UNKNOWN: &str = "cccccccccccccccccccccccccccccccc";
pub(crate) const REALM: &str = "acme.example.com";
/// May read and write every account.
pub(crate) const ADMIN: &str = "planted-secret";
/// May read ACME only.
pub(crate) const READER: &str = "planted-reader";

const TOKENS: &str = r#"
[[token]]
name = "admin"
sha256 = "0101796e082e85a7acb098392550a36dcae559684bab7633d509868b9c5b6a88"
accounts = ["*"]
write = true

[[token]]
name = "reader"
sha256 = "cd534355994306b848bdabd392f2c9de2f97d4ac1dc098dc549fd4f5dec27010"
accounts = ["4f1c2d3e4f5061728394a5b6c7d8e9f0"]
"#;

/// A bus that keeps what it is given, and fails when told to.
#[derive(Default)]
pub(crate) struct Memory {
    sent: Mutex<Vec<Publication>>,
    down: Mutex<bool>,
    /// Where publications wait until the test lets them go.
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl Bus for Memory {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        Box::pin(async move {
            let zone = Zone::new("local");
            if *self.down.lock().unwrap() {
                return Receipt {
                    confirmed: vec![],
                    missing: vec![(zone, PublishFailure::Failed("the test says so".into()))],
                };
            }
            self.sent.lock().unwrap().push(publication.clone());
            let gate = self.gate.lock().unwrap().clone();
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            Receipt {
                confirmed: vec![zone],
                missing: vec![],
            }
        })
    }
}

pub(crate) struct World {
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) clock: Arc<ManualClock>,
    bus: Arc<Memory>,
    pub(crate) base: String,
    pub(crate) client: Client,
}

/// An answer, its envelope checked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl World {
    /// Three phones of ACME, an EMPTY account, tokens ADMIN and READER.
    pub(crate) fn new() -> Self {
        Self::with(true)
    }

    pub(crate) fn with(echo_token: bool) -> Self {
        let auth = Auth::Static(StaticTokens::parse(TOKENS).unwrap());
        Self::build(auth, echo_token, 1000, None)
    }

    /// With callers told apart this way.
    pub(crate) fn judged_by(auth: Auth) -> Self {
        Self::build(auth, true, 1000, None)
    }

    pub(crate) fn build(
        auth: Auth,
        echo_token: bool,
        failures: u32,
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        lab::secrets::write_down();
        let bus = Arc::new(Memory::default());
        let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
        let empty = AccountId::parse(EMPTY).unwrap();
        let (feed, listener) = Feed::new(8);
        let (summary, counting) = Summary::new(Arc::<ManualClock>::clone(&clock));
        let registrar = Arc::new(Registrar::new(
            Settings::new(kapi::Identity::new("rollcall@test").unwrap()),
            Accounts::new(HashMap::from([(
                empty,
                vec!["empty.example.com".to_owned()],
            )])),
            Arc::<Memory>::clone(&bus),
            Arc::<ManualClock>::clone(&clock),
            vec![listener, counting],
        ));
        let facade = Facade {
            registrar: Arc::clone(&registrar),
            auth,
            description: facade::description(),
            feed: Arc::clone(&feed),
            summary,
            throttle: Arc::new(Throttle::new(ThrottleSettings {
                requests: None,
                failures,
            })),
            clock: Arc::<ManualClock>::clone(&clock),
            node: "rollcall@test".into(),
            metrics: facade::Metrics::default(),
            echo_token,
        };
        let settings = ServerSettings {
            workers: 1,
            max_body_bytes: 1024,
            max_connections: 100,
            keep_alive: Duration::from_secs(5),
            request_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(1),
            certificate,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if settings.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        let base = format!("{scheme}://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(facade, listener, &settings).unwrap());
        let world = Self {
            registrar,
            clock,
            bus,
            base,
            client: client(),
        };
        for username in ["zed", "Bob", "amy"] {
            world.register(username, 600);
        }
        world
    }

    pub(crate) fn register(&self, username: &str, expires: u32) {
        let event = json!({
            "Event-Category": "directory", "Event-Name": "reg_success", "Event-Timestamp": T0,
            "Expires": expires, "Contact": format!("<sip:{username}@192.0.2.1:5062>"), "Realm": REALM,
            "Username": username, "Custom-Channel-Vars": {"Account-ID": ACME, "Account-Realm": REALM},
        });
        self.tell(&event);
    }

    /// Delivers a message.
    pub(crate) fn tell(&self, message: &Value) {
        self.registrar.deliver(Delivery::new(
            &Zone::new("local"),
            &serde_json::to_vec(message).unwrap(),
        ));
    }

    /// Whom was told to check in.
    pub(crate) fn told_to_check_in(&self) -> Vec<String> {
        let sent = self.bus.sent.lock().unwrap();
        let sent = sent.iter().filter(|p| p.exchange == kapi::SWITCH_EXCHANGE);
        sent.map(|p| p.routing_key.clone()).collect()
    }

    pub(crate) fn broker_is_down(&self) {
        *self.bus.down.lock().unwrap() = true;
    }

    /// From now on the broker confirms only as many publications as there are permits.
    pub(crate) fn broker_is_slow(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.bus.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    /// Realm and username of each flush that was published.
    pub(crate) fn flushed(&self) -> Vec<(String, Option<String>)> {
        let sent = self.bus.sent.lock().unwrap();
        let text =
            |body: &Value, key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        sent.iter()
            .filter(|p| p.exchange == kapi::REGISTRAR_EXCHANGE)
            .map(|p| serde_json::from_slice(&p.body).unwrap())
            .map(|body: Value| (text(&body, "Realm").unwrap(), text(&body, "Username")))
            .collect()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(
            Method::from_bytes(method.as_bytes()).unwrap(),
            format!("{}{path}", self.base),
        )
    }

    /// Sends with the ADMIN token.
    pub(crate) async fn admin(&self, method: &str, path: &str) -> Answer {
        self.send(self.request(method, path).header("X-Auth-Token", ADMIN))
            .await
    }

    /// Sends and checks the envelope that every answer has.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["access-control-allow-origin"], "*");
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(
            body["request_id"],
            headers["x-request-id"].to_str().unwrap()
        );
        assert_eq!(body["request_id"].as_str().unwrap().len(), 32);
        assert_eq!(body["timestamp"], "2026-11-23T09:18:05Z");
        assert_eq!(body["node"], "rollcall@test");
        assert!(body["version"].is_string());
        if status.is_success() {
            assert_eq!(body["status"], "success");
            assert_eq!(
                headers["etag"],
                format!("\"{}\"", body["revision"].as_str().unwrap())
            );
        } else {
            assert_eq!(
                body["status"],
                if status.is_server_error() {
                    "fatal"
                } else {
                    "error"
                }
            );
            assert_eq!(body["error"], status.as_str());
            assert!(
                body["message"].is_string() && body["data"]["message"].is_string(),
                "{body}"
            );
        }
        Answer {
            status,
            headers,
            body,
        }
    }
}

/// An HTTP client; it wants to know how TLS is done before it is made.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

/// Path of an account's registrations.
pub(crate) fn registrations(account: &str) -> String {
    format!("/v2/accounts/{account}/registrations")
}
