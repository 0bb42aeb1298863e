//! A registrar with a bus that looks at what it is given, and what must always hold of its table.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use kapi::{Event, Identity, Limits, Spelling};
use registrar::{
    Accounts, Bus, BusFuture, Delivery, EntryRef, Publication, Receipt, Registrar, Settings,
};
use registration::{Clock as _, ManualClock, Registration, UnixMillis, Zone, check_flushable};
use serde_json::Value;

/// When the recorded messages were sent.
pub(crate) const T0: u64 = 1_795_425_485;
/// AMQP's bound on routing keys, in bytes.
pub(crate) const MAX_KEY_BYTES: usize = 255;

/// A bus that takes what a broker would take.
#[derive(Default)]
pub(crate) struct LookingBus(Mutex<usize>);

impl LookingBus {
    /// How many flushes there were.
    pub(crate) fn flushes(&self) -> usize {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for LookingBus {
    fn publish<'a>(&'a self, publication: &'a Publication) -> BusFuture<'a> {
        let zone = Zone::new("local");
        assert!(
            publication.routing_key.len() <= MAX_KEY_BYTES,
            "no broker takes {publication:?}"
        );
        let body: Value = serde_json::from_slice(&publication.body).expect("JSON");
        assert!(body.is_object(), "an array would crash the proxies");
        if body["Event-Name"] == "reg_flush" {
            for name in ["Realm", "Username"] {
                let Some(name) = body[name].as_str() else {
                    assert_eq!(name, "Username", "a flush has a realm");
                    continue;
                };
                assert_eq!(check_flushable(name), Ok(()), "{name:?} reaches SQL");
                assert_eq!(name, name.to_ascii_lowercase());
            }
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        Box::pin(std::future::ready(Receipt {
            confirmed: vec![zone],
            missing: vec![],
        }))
    }
}

/// A registrar that nothing has reached yet.
pub(crate) struct World {
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) bus: Arc<LookingBus>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) zone: Zone,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(UnixMillis(T0 * 1000))
    }

    pub(crate) fn at(now: UnixMillis) -> Self {
        let bus = Arc::new(LookingBus::default());
        let clock = Arc::new(ManualClock::at(now));
        let identity = Identity::new("rollcall@fuzz").expect("a short name");
        Self {
            registrar: Arc::new(Registrar::new(
                Settings::new(identity),
                Accounts::new([].into()),
                Arc::<LookingBus>::clone(&bus),
                Arc::<ManualClock>::clone(&clock),
                Vec::new(),
            )),
            bus,
            clock,
            zone: Zone::new("local"),
        }
    }

    pub(crate) fn hear(&self, body: &[u8]) {
        self.registrar.deliver(Delivery::new(&self.zone, body));
    }

    /// What must hold of a table, whatever it was told. Returns what is in it.
    pub(crate) fn check_table(&self) -> Vec<Arc<Registration>> {
        let held = self.registrar.cache().all();
        let all = unpacked(&held);
        assert_eq!(self.registrar.cache().len(), all.len());
        let aors: HashSet<_> = all.iter().map(|r| r.aor()).collect();
        assert_eq!(aors.len(), all.len(), "an AOR has one registration");
        for r in &all {
            self.check_registration(r);
        }
        for account in all.iter().filter_map(|r| r.account.id.as_ref()) {
            let scope = self.registrar.scope(account, None).expect("learned");
            let listed = self.registrar.list(&scope);
            assert_eq!(self.registrar.count(&scope), listed.len());
            let distinct: HashSet<_> = listed.iter().map(|held| held.aor()).collect();
            assert_eq!(distinct.len(), listed.len(), "each is listed once");
            assert!(listed.iter().all(|held| scope.has(held)));
            let has = held.iter().filter(|held| scope.has(held)).count();
            assert_eq!(listed.len(), has, "the index has all of them");
        }
        all
    }

    fn check_registration(&self, r: &Arc<Registration>) {
        let now = self.clock.now();
        let aor = r.aor();
        assert_eq!(aor.realm(), r.realm.to_ascii_lowercase(), "{r:?}");
        assert_eq!(aor.username(), r.username.to_ascii_lowercase(), "{r:?}");
        let found = self.registrar.cache().get(&aor);
        assert_eq!(found.map(|found| found.registration()).as_ref(), Some(&**r));
        assert!(
            r.is_live(now) && r.last_registration <= now.seconds(),
            "{r:?}"
        );
        assert!(r.initial_registration <= r.last_registration, "{r:?}");
        for realm in [Some(&r.realm), r.account.realm.as_ref()]
            .into_iter()
            .flatten()
        {
            assert!(
                unpacked(&self.registrar.cache().find_in(Some(realm), None)).contains(r),
                "{r:?}"
            );
        }
        check_json(r);
    }
}

fn unpacked(held: &[EntryRef]) -> Vec<Arc<Registration>> {
    held.iter()
        .map(|held| Arc::new(held.registration()))
        .collect()
}

/// Both spellings are JSON; over HTTP with known fields only.
fn check_json(r: &Registration) {
    let mut json = Vec::new();
    kapi::write_json(r, Spelling::Http, &mut json);
    let object: Value = serde_json::from_slice(&json).expect("JSON");
    let fields = object.as_object().expect("an object");
    for field in fields.keys() {
        assert!(kapi::HTTP_FIELDS.contains(&field.as_str()), "{field}");
    }
    let mut record = Vec::new();
    kapi::write_json(r, Spelling::Amqp, &mut record);
    let report = match kapi::decode(&with_name(&record), ANY_LENGTH) {
        Ok(Event::Registration(report)) => report,
        other => panic!("{r:?} is read back as {other:?}"),
    };
    let again = Registration::from_record(&report, &r.zone, "nodomain.com", r.last_registration);
    assert_eq!(&again, r, "nothing is lost on the way");
}

const ANY_LENGTH: Limits = Limits {
    max_body_bytes: usize::MAX,
};

/// As other registrars' records stand in a message of their own.
fn with_name(record: &[u8]) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(record).expect("JSON");
    body["Event-Category"] = "directory".into();
    body["Event-Name"] = "reg_success".into();
    body.to_string().into_bytes()
}
