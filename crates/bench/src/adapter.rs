//! All that is called of the product's inside: where that changes, this is fitted.

use std::{path::Path, sync::Arc};

use facade::Summary;
use registrar::{
    Accounts, Bus, BusFuture, Census, Delivery, Directory, Feed, Outcome, Publication, Receipt,
    Registrar, Scope, Settings,
};
use registration::{AccountId, Aor, Clock, SystemClock, UnixSeconds, Zone};

use crate::event::{Phone, account_id, realm};

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
    /// The registrar.
    pub registrar: Arc<Registrar>,
    /// Changes as they happen.
    pub feed: Arc<Feed>,
    /// How all stand.
    pub summary: Arc<Summary>,
    zone: Zone,
    _directory: Directory,
}

/// Name of the node.
pub const NODE: &str = "rollcall@bench";

impl Node {
    /// An empty one.
    pub fn new() -> anyhow::Result<Self> {
        let zone = Zone::new("local");
        let (feed, of_feed) = Feed::new(rollcall::serve::FEED_LENGTH);
        let (directory, of_directory) = Directory::new(20);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (summary, of_summary) = Summary::new(Arc::clone(&clock));
        let (_, of_census) = Census::new([zone.clone()]);
        let registrar = Registrar::watched(
            Settings::new(kapi::Identity::new(NODE)?),
            Accounts::new([].into()),
            Arc::new(NoBus(zone.clone())),
            clock,
            vec![of_directory, of_feed, of_census, of_summary],
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
        let flushed = self.registrar.flush_account(&scope(account)?).await?;
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
        self.registrar.get(&aor).is_some()
    }

    /// How many there are, all in all.
    pub fn len(&self) -> usize {
        self.registrar.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the program does once a second.
    pub fn sweep(&self) {
        self.registrar.sweep();
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
