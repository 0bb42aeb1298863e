//! All that is called of the product's inside: where that changes, this is fitted.

use std::{
    fs::File,
    net::TcpListener,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use facade::{
    Facade, Server, ServerSettings, Summary, Throttle, ThrottleSettings,
    auth::{Auth, StaticTokens},
};
use registrar::{
    Accounts, Bus, BusFuture, Delivery, Directory, Feed, Outcome, Publication, Receipt, Registrar,
    Scope, Settings, Snapshot,
};
use registration::{AccountId, Aor, Clock, SystemClock, UnixSeconds, Zone};
use rollcall::{config::Log, telemetry};

use crate::fixture::phones::{Phone, account_id, realm};

/// Takes all and tells nobody.
pub struct NoBus(Zone);

impl Bus for NoBus {
    fn publish<'a>(&'a self, _: &'a Publication) -> BusFuture<'a> {
        let confirmed = vec![self.0.clone()];
        Box::pin(async {
            Receipt {
                confirmed,
                missing: Vec::new(),
            }
        })
    }
}

/// A registrar with what watches it in the program as it is configured by default.
pub struct Node {
    registrar: Arc<Registrar>,
    feed: Arc<Feed>,
    summary: Arc<Summary>,
    zone: Zone,
    _directory: Directory,
}

/// Name of the node.
pub const NODE: &str = "rollcall@bench";
/// A token for every account.
pub const TOKEN: &str = "secret";
const TOKEN_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
/// How often the program sweeps.
pub const SWEEP_PERIOD: Duration = Duration::from_millis(250);

impl Node {
    /// An empty one.
    pub fn new() -> anyhow::Result<Self> {
        let zone = Zone::new("local");
        let (feed, of_feed) = Feed::new(rollcall::serve::FEED_LENGTH);
        let (directory, of_directory) = Directory::new(20);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (summary, of_summary) = Summary::new(Arc::clone(&clock));
        let registrar = Registrar::new(
            Settings {
                zones: vec![zone.clone()],
                ..Settings::new(kapi::Identity::new(NODE)?)
            },
            Accounts::new([].into()),
            Arc::new(NoBus(zone.clone())),
            clock,
            vec![of_directory, of_feed, of_summary],
        );
        Ok(Self {
            registrar: Arc::new(registrar),
            feed,
            summary,
            zone,
            _directory: directory,
        })
    }

    /// Takes a message in; whether a registration was stored.
    pub fn deliver(&self, body: &[u8]) -> bool {
        let outcome = self.registrar.deliver(Delivery::new(&self.zone, body));
        matches!(outcome, Outcome::Stored(_))
    }

    /// Takes in the flush of an account's realm, as another node publishes it; how many went.
    pub fn flush(&self, account: u32) -> usize {
        let body = format!(
            "{{\"Event-Category\":\"directory\",\"Event-Name\":\"reg_flush\",\"Realm\":\"{}\",\
             \"App-Name\":\"crossbar\",\"App-Version\":\"4.0.0\",\"Node\":\"crossbar@kazoo1\",\
             \"Server-ID\":\"crossbar@kazoo1-<0.1.0>\",\"Msg-ID\":\"1\"}}",
            realm(account)
        );
        let delivery = Delivery::new(&self.zone, body.as_bytes());
        match self.registrar.deliver(delivery) {
            Outcome::Flushed(count) => count,
            _ => 0,
        }
    }

    /// Flushes an account as a user orders it; how many went.
    pub async fn order_flush(&self, account: u32) -> anyhow::Result<usize> {
        let flushed = self
            .registrar
            .flusher()
            .flush_account(&scope(account)?)
            .await?;
        Ok(flushed.forgotten)
    }

    /// How many registrations an account's list has.
    pub fn list(&self, scope: &Scope) -> usize {
        self.registrar.list(scope).len()
    }

    /// How many registrations an account has.
    pub fn count(&self, scope: &Scope) -> usize {
        self.registrar.count(scope)
    }

    /// Whether a phone is registered.
    pub fn has(&self, phone: Phone) -> bool {
        let aor = Aor::new(&phone.username(), &realm(phone.account));
        self.registrar.cache().get(&aor).is_some()
    }

    /// How many there are, all in all.
    #[expect(clippy::len_without_is_empty, reason = "that is not asked")]
    pub fn len(&self) -> usize {
        self.registrar.cache().len()
    }

    /// Ends what is due, as the program does every [`SWEEP_PERIOD`].
    pub fn sweep(&self) {
        self.registrar.cache().sweep();
    }

    /// Writes the snapshot as the program does.
    pub fn save(&self, path: &Path) {
        rollcall::serve::snapshot::save(path, &self.registrar);
    }

    /// Reads the snapshot as the program does.
    pub fn restore(&self, path: &Path) {
        rollcall::serve::snapshot::restore(path, &self.registrar);
    }
}

/// Seconds that it takes to insert the ready-made entries of a snapshot into an empty registrar.
pub fn insert_ready(snapshot: &Path) -> anyhow::Result<f64> {
    let node = Node::new()?;
    let cache = node.registrar.cache();
    let ready = Snapshot::read(cache, File::open(snapshot)?)?;
    let begun = Instant::now();
    let restored = ready.insert(cache);
    let took = begun.elapsed();
    ensure!(restored.taken_in == restored.found, "not all were inserted");
    Ok(took.as_secs_f64())
}

/// A node's HTTP as the program serves it, by one worker.
pub fn serve(node: &Node, listener: TcpListener) -> anyhow::Result<Server> {
    telemetry::init(&Log::default())?;
    let tokens = format!(
        "[[token]]\nname = \"bench\"\nsha256 = \"{TOKEN_SHA256}\"\naccounts = [\"*\"]\nwrite = true\n"
    );
    let facade = Facade {
        registrar: Arc::clone(&node.registrar),
        auth: Auth::Static(StaticTokens::parse(&tokens)?),
        description: facade::description(),
        feed: Arc::clone(&node.feed),
        throttle: Arc::new(Throttle::new(ThrottleSettings {
            requests: None,
            failures: 60,
        })),
        clock: Arc::new(SystemClock),
        node: NODE.into(),
        echo_token: true,
        metrics: facade::Metrics::default(),
        summary: Arc::clone(&node.summary),
    };
    let settings = ServerSettings {
        workers: 1,
        max_body_bytes: 65_536,
        max_connections: 10_000,
        keep_alive: Duration::from_mins(1),
        request_timeout: Duration::from_secs(5),
        certificate: None,
        drain_timeout: Duration::from_secs(1),
    };
    Ok(facade::serve(facade, listener, &settings)?)
}

/// Reads a message.
pub fn decode(body: &[u8]) -> bool {
    kapi::decode(body, kapi::Limits::default()).is_ok()
}

/// What belongs to an account.
pub fn scope(account: u32) -> anyhow::Result<Scope> {
    Ok(Scope {
        account: AccountId::parse(&account_id(account))?,
        realms: vec![realm(account).into()],
    })
}

/// The present.
pub fn now() -> UnixSeconds {
    SystemClock.now().seconds()
}

/// By how many seconds a registration outlives what its event says.
pub fn padding() -> u32 {
    registration::Policy::default().expires_deviation
}
