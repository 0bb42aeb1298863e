//! The cache and its index: what is shown, what is left behind, what is told.

mod entries;
mod expiry;
mod lookups;
mod model;
mod races;

use std::sync::{Arc, Mutex};

use registration::{
    AccountData, AccountId, Aor, Clock as _, Decision, Lifetime, ManualClock, Origin, Policy,
    Proxy, Report, Source, UnixMillis, UnixSeconds, Zone,
};

use super::{Cache, Capacity, Change, ChangeKind, ChangeListener, EntryRef, ReportContext};
use crate::Snapshot;

const T0: u64 = 1_795_425_485;
const ACCOUNTS: [&str; 2] = [
    "4f1c2d3e4f5061728394a5b6c7d8e9f0",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

fn account(number: usize) -> AccountId {
    AccountId::parse(ACCOUNTS[number]).unwrap()
}

/// A cache with its clock, and the changes that a listener has been told of.
struct World {
    clock: Arc<ManualClock>,
    cache: Cache,
    told: Arc<Mutex<Vec<Change>>>,
}

impl World {
    fn new() -> Self {
        Self::with_capacity(Capacity::default())
    }

    fn with_capacity(capacity: Capacity) -> Self {
        let clock = Arc::new(ManualClock::at(UnixMillis(T0 * 1000)));
        let told = Arc::<Mutex<Vec<Change>>>::default();
        let telling = Arc::clone(&told);
        let listener = ChangeListener::with_refreshes(
            move |change| telling.lock().unwrap().push(change.clone()),
            || true,
        );
        let cache = Cache::new(Arc::<ManualClock>::clone(&clock), capacity, vec![listener]);
        Self { clock, cache, told }
    }

    fn report(&self, username: &str, realm: &str, account: usize, expires: u32) -> Report {
        report(
            self.clock.now().seconds(),
            username,
            realm,
            account,
            expires,
        )
    }

    fn apply(&self, report: &Report) -> Decision {
        apply(&self.cache, report, 0)
    }

    fn register(&self, username: &str, realm: &str, account: usize, expires: u32) -> Decision {
        self.apply(&self.report(username, realm, account, expires))
    }

    fn flush(&self, username: &str, realm: &str) -> Option<EntryRef> {
        let aor = Aor::new(username, realm);
        self.cache.take_out(&aor, ChangeKind::Flushed, |_| true)
    }

    fn users(&self, number: usize) -> Vec<String> {
        let found = self.cache.find(Some(&account(number)), &[] as &[&str]);
        aors(&found).iter().map(Aor::to_string).collect()
    }

    /// A snapshot of this cache, to be inserted into another.
    fn snapshot(&self, other: &Cache) -> Snapshot {
        let mut bytes = Vec::new();
        crate::sync::snapshot::write(&self.cache, &mut bytes).unwrap();
        Snapshot::read(other, &*bytes).unwrap()
    }

    fn told(&self) -> Vec<ChangeKind> {
        let told = self.told.lock().unwrap();
        told.iter().map(|change| change.kind).collect()
    }
}

fn report(time: UnixSeconds, username: &str, realm: &str, account: usize, expires: u32) -> Report {
    Report {
        username: username.into(),
        realm: realm.into(),
        time,
        lifetime: match expires {
            0 => Lifetime::Ended,
            seconds => Lifetime::Seconds(seconds),
        },
        origin: Origin::Event,
        first: None,
        contact: "<sip:a@192.0.2.1>".into(),
        call_id: None,
        user_agent: None,
        from_user: None,
        from_host: None,
        to_user: None,
        to_host: None,
        proxy: Proxy::default(),
        source: Source::default(),
        network: Source::default(),
        account: AccountData {
            id: ACCOUNTS
                .get(account)
                .and_then(|id| AccountId::parse(id).ok()),
            realm: Some("main.example.com".into()),
            authorizing_id: Some("device".into()),
            ..AccountData::default()
        },
        suppress_unregister_notify: None,
        register_overwrite_notify: None,
        registrar_node: None,
        registrar_hostname: None,
        zone: None,
        previous_contact: None,
        initial_registration: None,
        last_registration: None,
    }
}

/// Applies a report without padding.
fn apply(cache: &Cache, report: &Report, fingerprint: u64) -> Decision {
    let policy = Policy {
        expires_deviation: 0,
        ..Policy::default()
    };
    let context = ReportContext {
        zone: &Zone::new("local"),
        policy: &policy,
        redelivered: false,
        complete: true,
        fingerprint,
    };
    cache.apply(report, context)
}

/// The AORs of what was found, in order; one that was found twice is there twice.
fn aors(found: &[EntryRef]) -> Vec<Aor> {
    let mut aors: Vec<_> = found.iter().map(EntryRef::aor).collect();
    aors.sort();
    aors
}
